/*
  Shows something beside the page without leaving it: <button data-look-url="/…" data-look-into="id">. The address
  answers with what belongs inside; without script the button does what it does by itself.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-look-url]");
  const place = button && document.getElementById(button.dataset.lookInto);
  if (!place) return;
  event.preventDefault();
  try {
    place.replaceChildren(elementsFrom(await fetchFragment(button.dataset.lookUrl)));
    const title = place.querySelector("[tabindex='-1']");
    title?.focus({ preventScroll: true });
    place.scrollIntoView({ block: "start" });
  } catch (problem) {
    if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
    button.removeAttribute("data-look-url"); // offline or refused: the next press asks the page itself
  }
});
