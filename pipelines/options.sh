# shellcheck shell=bash
# Sets `options` for `greenroom generate` from the inputs of a pipeline, which come as variables. Sourced by other scripts.
options=()
add() { # add OPTION VALUE: nothing where there is no value
    if [ -n "$2" ]; then options+=("$1" "$2"); fi
}
add_each() { # add_each OPTION VALUES: one value a line
    local line
    while IFS= read -r line; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        add "$1" "$line"
    done <<< "$2"
}
add --root "${INPUT_ROOT:-}"
add --settings "${INPUT_SETTINGS:-}"
add --environment "${INPUT_ENVIRONMENT:-}"
add --out "${INPUT_OUT:-}"
add_each --config "${INPUT_CONFIG:-}"
add_each --target "${INPUT_TARGETS:-}"
add_each --plugin "${INPUT_PLUGINS:-}"
add_each --env-file "${INPUT_ENV_FILES:-}"
