/*
  Says below the composer what the linter finds while somebody writes: <div data-lint-for="text" data-lint-url="/…" data-lint-token="…" hidden>.
  POSTs text and csrf_token after a pause in typing and expects a fragment of HTML. It has one line of its own, so nothing moves; nothing is blocked.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const PAUSE = 700;

for (const box of document.querySelectorAll("[data-lint-for]")) bind(box);

function bind(box) {
  const field = document.getElementById(box.dataset.lintFor);
  if (!field) return;
  let timer;
  let looking;
  box.hidden = false;

  const look = async () => {
    looking?.abort();
    looking = new AbortController();
    const body = new FormData();
    body.set("text", field.value);
    body.set("csrf_token", box.dataset.lintToken);
    try {
      const html = await fetchFragment(box.dataset.lintUrl, { method: "POST", body, signal: looking.signal });
      box.replaceChildren(elementsFrom(html));
    } catch (problem) {
      // Without an answer the draft is looked at when it is sent.
      if (!(problem instanceof TypeError || problem instanceof FragmentRefused || problem.name === "AbortError")) throw problem;
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  box.addEventListener("click", (event) => {
    const way = event.target.closest?.("[data-lint-said]");
    const at = way ? field.value.indexOf(way.dataset.lintSaid) : -1;
    if (at < 0) return;
    field.focus();
    field.setRangeText(way.dataset.lintInstead, at, at + way.dataset.lintSaid.length, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
