/*
  Counts a text as services do: the same results as core/counting.py (tests/browser/test_counting.py compares them).
  lengthOf(text, {counting: "characters" | "graphemes" | "mastodon" | "weighted" | "bluesky", urlLength: 23}),
  bytesOf(text, counting), leaving(text, {own, token})
*/
const SPACES = "\\u0000-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";
const NOT_AT_ITS_END = ".,;:!?'\"()\\[\\]\\{\\}<>«»“”„‘’…";
const WORD = "\\p{L}\\p{N}_";
const ADDRESS = new RegExp(`https?://[^${SPACES}]*[^${SPACES}${NOT_AT_ITS_END}]`, "gu");
const BARE = new RegExp(
  `(?<![${WORD}@/.\\-])(?:[a-z0-9](?:[a-z0-9\\-]*[a-z0-9])?\\.)+` +
  "(?:com|org|net|info|biz|eu|de|at|ch|uk|fr|it|es|nl|be|pl|dk|se|no|fi|us|ca|io|dev|app|co|me|tv|gov|edu|social)" +
  `(?![${WORD}\\-])(?:/(?:[^${SPACES}]*[^${SPACES}${NOT_AT_ITS_END}])?)?`, "giu");
const MENTION = new RegExp(`(?<![${WORD}/@])@([${WORD}][${WORD}.\\-]*)@[${WORD}\\-]+(?:\\.[${WORD}\\-]+)+`, "gu");
const LIGHT = [[0, 0x10ff], [0x2000, 0x200d], [0x2010, 0x201f], [0x2032, 0x2037]]; // twitter-text, configuration v3
const SHOWN_LENGTH = 30;
const EMOJI_FROM = 0x2100;
const segmenter = Intl.Segmenter ? new Intl.Segmenter("und", { granularity: "grapheme" }) : null;

export function lengthOf(text, { counting, urlLength = 23 }) {
  if (counting === "graphemes") return graphemes(text).length;
  if (counting === "bluesky") return graphemes(withShortAddresses(text)).length;
  if (counting !== "mastodon" && counting !== "weighted") return [...text].length;
  let addresses = 0;
  const taken = () => { addresses += 1; return ""; };
  if (counting === "mastodon") {
    const rest = text.replace(ADDRESS, taken).replace(MENTION, "@$1");
    return graphemes(rest).length + urlLength * addresses;
  }
  const rest = text.normalize("NFC").replace(ADDRESS, taken).replace(BARE, taken);
  return graphemes(rest).reduce((sum, grapheme) => sum + weight(grapheme), 0) + urlLength * addresses;
}

/* The text with tokens in place of the names in our own addresses, as Measure.leaving makes it. */
export function leaving(text, { own, token }) {
  if (!own || !text.includes(own)) return text;
  const begins = own.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const address = new RegExp(`(${begins}[0-9]+)(?:-[A-Za-z0-9_-]*)?(?![A-Za-z0-9_-])(?!/[A-Za-z0-9_])`, "g");
  return text.replace(address, `$1/${"x".repeat(token)}`);
}

export function bytesOf(text, counting = "") {
  return new TextEncoder().encode(counting === "bluesky" ? withShortAddresses(text) : text).length;
}

/* On Bluesky the whole address lies behind what one sees of it. */
function withShortAddresses(text) {
  return text.replace(ADDRESS, (address) => {
    const bare = [...address.replace(/^https:\/\//u, "").replace(/^http:\/\//u, "")];
    return bare.length <= SHOWN_LENGTH ? bare.join("") : `${bare.slice(0, SHOWN_LENGTH - 1).join("")}…`;
  });
}

function graphemes(text) {
  return segmenter ? [...segmenter.segment(text)].map(({ segment }) => segment) : [...text];
}

function weight(grapheme) {
  const points = [...grapheme].map((letter) => letter.codePointAt(0));
  if (points.length > 1 && points.some((point) => point >= EMOJI_FROM)) return 2;
  return points.reduce((sum, point) => sum + (LIGHT.some(([first, last]) => point >= first && point <= last) ? 1 : 2), 0);
}
