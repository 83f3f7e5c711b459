/*
  Loads a part of the page when somebody comes near it: <div data-later-url="/…"><a href="…">…</a></div>. The address
  answers with what belongs inside the element; until then, and without script, the link in there leads to the same.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const places = new Map([...document.querySelectorAll("[data-later-url]")].map((place) => [place, place.dataset.laterUrl]));
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    load(target, places.get(target));
  }
}, { rootMargin: "200px" });

for (const place of places.keys()) watcher.observe(place);

async function load(place, url) {
  try {
    place.replaceChildren(elementsFrom(await fetchFragment(url)));
  } catch (problem) {
    // Offline, or the site refuses: the link stays, and it can be followed later.
    if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
  }
}
