/*
  Saves a reply for the team in pauses of typing: <form data-share-url="/…"> with a field draft_version and <div data-share-state>.
  The answer is a fragment: <div data-share-version="4"> says which version stands now; with data-share-refused nothing was saved,
  and nothing is from then on: the writer has to choose first. [data-share-stop] in the form says so from the beginning.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const PAUSE = 4000;

for (const form of document.querySelectorAll("form[data-share-url]")) share(form);

function share(form) {
  const place = form.querySelector("[data-share-state]");
  const version = form.elements.namedItem("draft_version");
  const field = form.elements.namedItem("text");
  if (!place || !version || !field) return;
  let timer;
  let saving = false;
  let stopped = form.querySelector("[data-share-stop]") !== null;

  const save = async () => {
    if (saving) {
      timer = setTimeout(save, PAUSE);
      return;
    }
    saving = true;
    try {
      const made = elementsFrom(await fetchFragment(form.dataset.shareUrl, { method: "POST", body: new FormData(form) }));
      const told = made.querySelector("[data-share-version]");
      if (stopped || !told) return; // sent meanwhile
      stopped = "shareRefused" in told.dataset;
      if (!stopped) version.value = told.dataset.shareVersion;
      place.replaceChildren(made);
    } catch (problem) {
      if (problem instanceof FragmentRefused) stopped = problem.status < 500; // signed out, or gone
      else if (!(problem instanceof TypeError)) throw problem; // no connection: the copy on this device stands
    } finally {
      saving = false;
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    stopped = true;
  });
}
