// node main.mjs '{"hls": URL, "dash": URL, "headers": {}}' -> one JSON document on stdout.

import { measureDash } from "./dash.mjs";
import { makeFetcher } from "./fetcher.mjs";
import { measureHls } from "./hls.mjs";

const { hls, dash, headers = {} } = JSON.parse(process.argv[2]);
const fetcher = makeFetcher(headers);
const report = {
  hls: hls ? await measureHls(fetcher, hls) : null,
  dash: dash ? await measureDash(fetcher, dash) : null,
};
process.stdout.write(JSON.stringify(report));
