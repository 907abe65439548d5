"use strict";
(() => {
  const form = document.getElementById("filter");
  const text = document.getElementById("search");
  const state = document.getElementById("state");
  const said = document.getElementById("count");
  const rows = [...document.querySelectorAll("tbody[data-state]")].map((row) => [row, row.textContent.toLowerCase()]);
  const parts = [...document.querySelectorAll("section.server")];
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [row, content] of rows) {
      const wanted = !state.value || row.dataset.state.split(" ").includes(state.value);
      const shown = wanted && words.every((word) => content.includes(word));
      row.hidden = !shown;
      if (shown) count += 1;
    }
    for (const part of parts) {
      for (const table of part.querySelectorAll(".table")) table.hidden = !table.querySelector("tbody[data-state]:not([hidden])");
      part.hidden = !part.querySelector(".table:not([hidden])");
    }
    said.textContent = `${count} of ${rows.length} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));
  document.getElementById("open").addEventListener("click", (event) => {
    const open = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(open));
    for (const item of document.querySelectorAll("details")) item.open = open;
  });
  apply();
})();
