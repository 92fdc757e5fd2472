// Fetches each address once. A refusal is a finding for the rules, not an exception here.

export function makeFetcher(headers) {
  const seen = new Map();
  return async (url) => {
    if (!seen.has(url)) {
      seen.set(url, fetch(url, { headers }).then(async (answer) => ({
        status: answer.status,
        contentType: answer.headers.get("content-type"),
        bytes: await answer.arrayBuffer(),
      })));
    }
    return seen.get(url);
  };
}

export const text = (answer) => new TextDecoder().decode(answer.bytes);

/** Runs work over items, at most `width` at a time, results in the order of the items. */
export async function inTurn(items, width, work) {
  const results = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}
