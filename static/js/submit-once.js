/*
  A form that is on its way is not sent a second time. Holds for every POST form; data-submit-often leaves one out.
*/
const PATIENCE = 15000;
const underway = new Map();

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || "submitOften" in form.dataset) return;
  if (underway.has(form)) {
    event.preventDefault();
    return;
  }
  // Not "disabled": that would take the button's own name and value out of what is sent.
  submitter?.setAttribute("aria-disabled", "true");
  submitter?.classList.add("is-busy");
  underway.set(form, { submitter, timer: setTimeout(() => release(form), PATIENCE) });
});
window.addEventListener("pageshow", () => { for (const form of [...underway.keys()]) release(form); });

function release(form) {
  const { submitter, timer } = underway.get(form);
  clearTimeout(timer);
  submitter?.removeAttribute("aria-disabled");
  submitter?.classList.remove("is-busy");
  underway.delete(form);
}
