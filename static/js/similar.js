/*
  While a title is typed, shows what is already asked or written.
  <input data-similar-url="/…" data-similar-target="id" [data-similar-min="4"]>; asks url?title=…
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const PAUSE = 200;
const pending = new WeakMap();

document.addEventListener("input", (event) => {
  const field = event.target.closest?.("[data-similar-url]");
  if (!field) return;
  const earlier = pending.get(field);
  clearTimeout(earlier?.timer);
  earlier?.controller.abort();
  const controller = new AbortController();
  pending.set(field, { controller, timer: setTimeout(() => look(field, controller), PAUSE) });
});

async function look(field, controller) {
  const target = document.getElementById(field.dataset.similarTarget);
  const title = field.value.trim();
  if (!target) return;
  if (title.length < Number(field.dataset.similarMin ?? 4)) {
    target.replaceChildren();
    return;
  }
  const url = new URL(field.dataset.similarUrl, document.baseURI);
  url.searchParams.set("title", title);
  try {
    const html = await fetchFragment(url, { signal: controller.signal });
    if (!controller.signal.aborted) target.replaceChildren(elementsFrom(html));
  } catch (problem) {
    // Stale, offline or refused: matches are a help, and asking goes on without them.
    if (problem.name === "AbortError" || problem instanceof TypeError || problem instanceof FragmentRefused) return;
    throw problem;
  }
}
