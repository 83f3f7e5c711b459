/*
  Remembers on this device what was looked for (<… data-search-text="…">) and lists it:
  <section data-recent-searches data-search-url="/search" hidden> with a <ul>, a <template> and [data-recent-forget].
  Signing out (<form data-draft-forget-all>) forgets it.
*/
import { forget, forgetAll, recall, remember } from "./searches.js";

for (const form of document.querySelectorAll("form[data-draft-forget-all]")) form.addEventListener("submit", forgetAll);
for (const place of document.querySelectorAll("[data-search-text]")) remember(place.dataset.searchText);
for (const section of document.querySelectorAll("[data-recent-searches]")) bind(section);

function bind(section) {
  const list = section.querySelector("ul");
  const pattern = section.querySelector("template");
  const show = () => {
    const searches = recall();
    list.replaceChildren(...searches.map((q) => itemOf(q, pattern, section.dataset.searchUrl)));
    section.hidden = searches.length === 0;
  };

  list.addEventListener("click", (event) => {
    const item = event.target.closest("button")?.closest("li");
    if (!item) return;
    const place = [...list.children].indexOf(item);
    forget(item.querySelector("a").textContent);
    show();
    [...list.querySelectorAll("button")].at(Math.min(place, list.children.length - 1))?.focus();
  });
  section.querySelector("[data-recent-forget]").addEventListener("click", () => {
    forgetAll();
    show();
  });
  show();
}

function itemOf(q, pattern, url) {
  const item = pattern.content.cloneNode(true);
  const link = item.querySelector("a");
  link.textContent = q;
  link.href = `${url}?q=${encodeURIComponent(q)}`;
  const words = item.querySelector("button .visually-hidden");
  words.textContent = words.textContent.replace("{q}", () => q);
  return item;
}
