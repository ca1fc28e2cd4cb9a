// Keys and small comforts. Everything can be read without this file.
"use strict";

let afterG = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog[open]")) return;
  const key = event.key;
  if (afterG) {
    afterG = false;
    const place = document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
    if (place) place.click();
    return;
  }
  if (key === "g") {
    afterG = true;
    window.setTimeout(() => { afterG = false; }, 1500);
  } else if (key === "/") {
    const field = document.querySelector("form.filters input, form.filters select");
    if (field) { event.preventDefault(); field.focus(); }
  } else if (key === "n") {
    const next = document.querySelector("a.next");
    if (next) next.click();
  } else if (key === "x") {
    const link = document.querySelector('.downloads a[data-form="xlsx"]');
    if (link) link.click();
  } else if (key === "?") {
    document.getElementById("keys").showModal();
  }
});

for (const button of document.querySelectorAll("button.print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Filters that are empty stay out of the address.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}
