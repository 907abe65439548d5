// In place of a package that the registry does not have: whatever is taken from it can be called, extended and read, and means nothing.
const nothing = () => new Proxy(class {}, {
  get: (target, key) => (key === 'then' || key === '$$type' || key === Symbol.iterator || key === Symbol.asyncIterator ? undefined
    : key === Symbol.toPrimitive ? () => 'nothing' : key === 'prototype' ? target.prototype : nothing()),
  apply: nothing,
  construct: () => ({}),
});
module.exports = nothing();
