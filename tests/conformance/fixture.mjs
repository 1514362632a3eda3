// The server that the official conformance suites test, directly and through neurond, on
// the official SDK 2.x: over stdio in one era, over HTTP in both.
//
// usage: node fixture.mjs legacy|modern | node fixture.mjs http   (prints its port)
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pipeline, Readable } from "node:stream";

import { make } from "./fixture_names.mjs";

const require = createRequire(new URL("../peers/package.json", import.meta.url));
const {
    createMcpHandler, hostHeaderValidationResponse, isLegacyRequest, localhostAllowedHostnames,
    localhostAllowedOrigins, originValidationResponse, WebStandardStreamableHTTPServerTransport,
} = require("@modelcontextprotocol/server");
const { serveStdio, StdioServerTransport } = require("@modelcontextprotocol/server/stdio");

/// A server that has a connection of its own tells its changes there.
const own_connection = {
    tools: (server) => server.sendToolListChanged(),
    prompts: (server) => server.sendPromptListChanged(),
};

/// The events of one session's streams, for Last-Event-ID.
class Events {
    #events = [];

    async storeEvent(stream, message) {
        this.#events.push({ stream, message });
        return String(this.#events.length);
    }

    async getStreamIdForEventId(id) {
        return this.#events[id - 1]?.stream;
    }

    async replayEventsAfter(id, { send }) {
        const { stream } = this.#events[id - 1];
        for (const [at, event] of this.#events.entries()) {
            if (at >= id && event.stream === stream) {
                await send(String(at + 1), event.message);
            }
        }
        return stream;
    }
}

const sessions = new Map();

async function new_session() {
    const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new Events(),
        retryInterval: 50,
        onsessioninitialized: (id) => sessions.set(id, transport),
        onsessionclosed: (id) => sessions.delete(id),
    });
    await make(own_connection).connect(transport);
    return transport;
}

async function legacy(request) {
    const id = request.headers.get("mcp-session-id");
    const transport = id === null ? await new_session() : sessions.get(id);
    return transport ? transport.handleRequest(request)
                     : Response.json({ error: "no such session" }, { status: 404 });
}

const modern = createMcpHandler(() => make({
    tools: () => modern.notify.toolsChanged(),
    prompts: () => modern.notify.promptsChanged(),
}), { legacy: "reject" });

async function serve(request) {
    return hostHeaderValidationResponse(request, localhostAllowedHostnames())
        ?? originValidationResponse(request, localhostAllowedOrigins())
        ?? ((await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request));
}

async function answer(request, response) {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const got = await serve(new Request(`http://localhost${request.url}`, {
        method: request.method,
        headers: request.headers,
        body: request.method === "POST" ? Readable.toWeb(request) : undefined,
        duplex: "half",
        signal: gone.signal,
    }));
    response.writeHead(got.status, Object.fromEntries(got.headers));
    response.flushHeaders();
    pipeline(got.body ? Readable.fromWeb(got.body) : Readable.from([]), response, () => {});
}

const how = process.argv[2];
if (how === "http") {
    const server = createServer((request, response) => {
        answer(request, response).catch((error) => response.destroy(error));
    });
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));
} else if (how === "modern") {
    serveStdio(() => make(own_connection), { legacy: "reject" });
} else {
    await make(own_connection).connect(new StdioServerTransport());
}
