/*
  Asks before a deed: <form data-confirm="question" [data-confirm-yes="…"] [data-confirm-no="…"]>, or the same on a submit button.
  The dialog stands in the layout.
*/
const dialog = document.querySelector("[data-confirm-dialog]");
const confirmed = new WeakSet();
const usual = { yes: dialog?.querySelector("[value=yes]").textContent, no: dialog?.querySelector("[value=no]").textContent };

// Capturing, so that nothing else takes the form for sent before the person has said yes.
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const asking = submitter?.dataset.confirm ? submitter : form;
  if (!dialog || !asking.dataset.confirm || confirmed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(asking.dataset, () => {
    confirmed.add(form);
    form.requestSubmit(submitter);
  });
}, { capture: true });

function ask({ confirm, confirmYes, confirmNo }, whenYes) {
  dialog.querySelector(".dialog__question").textContent = confirm;
  dialog.querySelector("[value=yes]").textContent = confirmYes ?? usual.yes;
  dialog.querySelector("[value=no]").textContent = confirmNo ?? usual.no;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") whenYes(); }, { once: true });
  dialog.showModal();
}
