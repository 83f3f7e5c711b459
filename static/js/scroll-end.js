/*
  A pane that scrolls alone opens at its end, where the newest message is: <section data-scroll-end>.
*/
for (const pane of document.querySelectorAll("[data-scroll-end]")) pane.scrollTop = pane.scrollHeight;
