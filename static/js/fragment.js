/*
  Fetches a piece of HTML from this site and makes it safe to place in the page. The only file that turns text into
  elements, and the only one that may: it holds the Trusted Types policy "klinke" that the Content-Security-Policy names.
*/
const policy = window.trustedTypes?.createPolicy("klinke", { createHTML: (html) => html });
const UNWANTED = "script, style, link, meta, base, iframe, frame, object, embed, template";
const ADDRESSES = ["href", "src", "action", "formaction", "xlink:href"];

/** The fragment at a same-origin address; throws when the answer is not one (an error, or a redirect to the sign-in page). */
export async function fetchFragment(url, options = {}) {
  const address = new URL(url, document.baseURI);
  if (address.origin !== location.origin) throw new TypeError(`A fragment must come from this site, not from ${address.origin}`);
  const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" }, ...options });
  const type = answer.headers.get("Content-Type") ?? "";
  if (!answer.ok || answer.redirected || !type.startsWith("text/html")) throw new FragmentRefused(answer.status);
  return answer.text();
}

/** Elements made from html, without anything that could run. */
export function elementsFrom(html) {
  const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
  for (const element of parsed.body.querySelectorAll(UNWANTED)) element.remove();
  for (const element of parsed.body.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      const runs = name.startsWith("on") || name === "style" || name === "srcdoc";
      if (runs || (ADDRESSES.includes(name) && !isHarmless(value))) element.removeAttribute(name);
    }
  }
  const fragment = document.createDocumentFragment();
  for (const child of [...parsed.body.childNodes]) fragment.append(document.importNode(child, true));
  return fragment;
}

export class FragmentRefused extends Error {
  constructor(status) {
    super(`The site answered ${status} instead of a fragment`);
    this.status = status;
  }
}

function isHarmless(address) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address, document.baseURI).protocol);
  } catch (problem) {
    if (problem instanceof TypeError) return false; // an address that cannot be read leads nowhere
    throw problem;
  }
}
