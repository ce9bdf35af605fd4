// Requests in the name of the person at the page. The token lives in this module's memory and nowhere else.

const meta = document.querySelector('meta[name="hintsync-token"]');
let token = meta ? meta.content : "";
meta?.remove();

const SAME = new URL(location.href).origin;

export class Away extends Error {}

/** Fetch something of ours with the token; a newer token in the answer replaces it. Throws Away if nothing answers. */
export async function ask(url, options = {}) {
  const target = new URL(url, location.href);
  if (target.origin !== SAME) throw new Away("another host");
  const headers = new Headers(options.headers || {});
  headers.set("Authorization", `Bearer ${token}`);
  headers.set("X-Hintsync-Fetch", "1");
  let answer;
  try {
    answer = await fetch(target, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("no answer");
  }
  const fresh = answer.headers.get("X-Hintsync-Token");
  if (fresh) token = fresh;
  return answer;
}

/** Send a form as its element says; returns the answer, redirects followed. */
export function send(form, submitter, signal) {
  const data = new FormData(form, submitter);
  const fields = new URLSearchParams();
  for (const [name, value] of data) if (typeof value === "string") fields.append(name, value);
  const action = submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href;
  const method = (submitter?.getAttribute("formmethod") || form.getAttribute("method") || "get").toUpperCase();
  if (method === "GET") {
    const target = new URL(action, location.href);
    target.search = fields.toString();
    return { url: target.href, answer: () => ask(target, { signal }) };
  }
  return { url: null, answer: () => ask(action, { method, body: fields, signal }) };
}
