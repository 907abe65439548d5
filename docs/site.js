// What the theme leaves out for readers who use a keyboard or listen.
document.addEventListener("DOMContentLoaded", () => {
  // The sections of the navigation are parts of one landmark.
  for (const section of document.querySelectorAll(".md-nav--primary nav.md-nav:not([data-md-level='0'])")) {
    if (section.classList.contains("md-nav--secondary")) continue;
    section.setAttribute("role", "presentation");
    section.removeAttribute("aria-labelledby");
    section.removeAttribute("aria-expanded");
  }
  // A table of two columns may have no header, and one column of several no name.
  for (const head of document.querySelectorAll(".md-typeset thead")) {
    head.hidden = head.textContent.trim() === "";
  }
  for (const cell of document.querySelectorAll(".md-typeset th:empty")) cell.replaceWith(document.createElement("td"));
  // What the theme itself adds later: wide tables scroll, and each block of code has a button.
  const later = () => {
    for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) table.tabIndex = 0;
    for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.setAttribute("role", "presentation");
  };
  later();
  new MutationObserver(later).observe(document.body, { childList: true, subtree: true });
});
