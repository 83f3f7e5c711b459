/*
  Asks before a deed: <form data-confirm="question" [data-confirm-yes="…"] [data-confirm-no="…"]>, or the same on a submit button.
  The dialog stands in the layout.
*/
const dialog = document.querySelector("[data-confirm-dialog]");
const confirmed = new WeakSet();

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
  const yes = dialog.querySelector("[value=yes]");
  const no = dialog.querySelector("[value=no]");
  dialog.querySelector(".dialog__question").textContent = confirm;
  if (confirmYes) yes.textContent = confirmYes;
  if (confirmNo) no.textContent = confirmNo;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") whenYes(); }, { once: true });
  dialog.showModal();
}
