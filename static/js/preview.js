/*
  Shows what Markdown becomes: <div data-preview-for="id" data-preview-url="/…" data-preview-token="…" hidden>, see the macro preview.
  POSTs source and csrf_token to the address and expects a fragment of HTML.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

for (const box of document.querySelectorAll("[data-preview-for]")) bind(box);

function bind(box) {
  const button = box.querySelector("[data-preview-button]");
  const target = box.querySelector("[data-preview-target]");
  const failed = box.querySelector("[data-preview-failed]");
  const words = { show: button.textContent, hide: button.dataset.previewHide };
  box.hidden = false;

  const show = (open) => {
    target.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? words.hide : words.show;
  };
  button.addEventListener("click", async () => {
    failed.hidden = true;
    if (!target.hidden) return show(false);
    const body = new FormData();
    body.set("source", document.getElementById(box.dataset.previewFor).value);
    body.set("csrf_token", box.dataset.previewToken);
    try {
      target.replaceChildren(elementsFrom(await fetchFragment(box.dataset.previewUrl, { method: "POST", body })));
      show(true);
    } catch (problem) {
      if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
      failed.hidden = false;
    }
  });
}
