/*
  Shows what the chosen category asks: <select data-fields-url="/…" data-fields-target="id">; asks url?category=…
  What was typed into a field of the same name stays. Without script a button does the same.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

let latest = 0;

for (const select of document.querySelectorAll("select[data-fields-url]")) {
  select.addEventListener("change", () => show(select));
  // A draft on this device may have chosen another category than the page came with.
  if (select.value !== document.getElementById(select.dataset.fieldsTarget).dataset.fieldsShown) show(select);
}

async function show(select) {
  const target = document.getElementById(select.dataset.fieldsTarget);
  const url = new URL(select.dataset.fieldsUrl, document.baseURI);
  url.searchParams.set("category", select.value);
  const turn = ++latest;
  try {
    const html = await fetchFragment(url);
    if (turn !== latest) return;
    const typed = new Map([...target.querySelectorAll("input, textarea")].map((field) => [field.name, field.value]));
    target.replaceChildren(elementsFrom(html));
    for (const field of target.querySelectorAll("input:not([type=hidden]), textarea")) {
      if (typed.has(field.name)) field.value = typed.get(field.name);
    }
  } catch (problem) {
    // Offline or refused: sending the form shows the fields as well.
    if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
  }
}
