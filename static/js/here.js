/*
  Opens a form where its link stands: <a href="/the/page/with/the/form" data-here="?what=makes it the form alone">. Without
  script, and where the form cannot be had, the link leads to the page.
*/
import { FragmentRefused, elementsFrom, fetchFragment } from "./fragment.js";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-here]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.classList.contains("is-busy")) return;
  link.classList.add("is-busy");
  try {
    const form = elementsFrom(await fetchFragment(new URL(link.dataset.here, link.href)));
    const field = form.querySelector("textarea, input:not([type=hidden])");
    link.replaceWith(form);
    field?.focus();
  } catch (problem) {
    if (!(problem instanceof TypeError || problem instanceof FragmentRefused)) throw problem;
    link.classList.remove("is-busy");
    location.assign(link.href); // its page says what is wrong, or that there is no connection
  }
});
