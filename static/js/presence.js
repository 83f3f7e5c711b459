/*
  Says that somebody looks at a conversation, and whether they write, and shows who else does.
  <div data-presence-url="/…" data-presence-seconds="15" data-presence-token="…" data-presence-field="text">
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

const WRITES_FOR = 20_000;
const place = document.querySelector("[data-presence-url]");

if (place) {
  const field = document.getElementById(place.dataset.presenceField);
  let typed = 0;
  let told = false;
  let shown = place.textContent.trim();

  const tell = async () => {
    const isWriting = Date.now() - typed < WRITES_FOR;
    const body = new URLSearchParams({ csrf_token: place.dataset.presenceToken, writing: isWriting ? "1" : "0" });
    told = isWriting;
    try {
      const made = elementsFrom(await fetchFragment(place.dataset.presenceUrl, { method: "POST", body }));
      if (made.textContent.trim() !== shown) {
        shown = made.textContent.trim();
        place.replaceChildren(made);
      }
    } catch (problem) {
      if (problem instanceof FragmentRefused && problem.status < 500) clearInterval(timer); // signed out, or gone
      else if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
    }
  };
  const timer = setInterval(() => { if (!document.hidden) tell(); }, Number(place.dataset.presenceSeconds) * 1000);
  field?.addEventListener("input", () => {
    typed = Date.now();
    if (!told) tell();
  });
  tell();
}
