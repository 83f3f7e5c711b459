/*
  Says in which time zone this browser is: <input type="hidden" data-time-zone>. Whoever has no script gets the usual one.
*/
for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
