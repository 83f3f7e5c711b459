/*
  Says when the connection is gone, and stops saying it when it is back: <… data-offline-notice hidden>.
*/
const tell = () => {
  for (const notice of document.querySelectorAll("[data-offline-notice]")) notice.hidden = navigator.onLine;
};

window.addEventListener("online", tell);
window.addEventListener("offline", tell);
tell();
