// Preloaded before a client (node --import): its fetch() trusts the CA in PEER_CA, shows the
// certificate in PEER_CERT and PEER_KEY, and sends the bearer token in PEER_TOKEN.
import { readFileSync } from "node:fs";
import { Agent, setGlobalDispatcher } from "undici";

const { PEER_CA, PEER_CERT, PEER_KEY, PEER_TOKEN } = process.env;
const text = (path) => path && readFileSync(path, "utf8");
setGlobalDispatcher(new Agent({
    connect: { ca: text(PEER_CA), cert: text(PEER_CERT), key: text(PEER_KEY) },
}));
if (PEER_TOKEN) {
    const plain = globalThis.fetch;
    globalThis.fetch = (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("Authorization", `Bearer ${PEER_TOKEN}`);
        return plain(input, { ...init, headers });
    };
}
