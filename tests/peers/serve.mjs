// A server of the tests on the official SDK 2.x: over stdio in one era, over HTTP in both.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { pipeline, Readable } from "node:stream";
import {
    createMcpHandler, hostHeaderValidationResponse, isLegacyRequest, localhostAllowedHostnames,
    localhostAllowedOrigins, originValidationResponse, WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

/// The servers that have a connection of their own: each tells its client of changes there.
const connected = new Set();
const each = (tell) => Promise.allSettled([...connected].map(tell));
const on_connections = {
    tools: () => each((server) => server.sendToolListChanged()),
    prompts: () => each((server) => server.sendPromptListChanged()),
    updated: (uri) => each((server) => server.sendResourceUpdated({ uri })),
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

function connect(make, transport) {
    const server = make(on_connections);
    connected.add(server);
    server.onclose = () => connected.delete(server);
    return server.connect(transport);
}

/// Answers HTTP requests, in sessions where they are legacy.
function http_handler(make) {
    const sessions = new Map();
    const modern = createMcpHandler(() => make({
        tools: () => modern.notify.toolsChanged(),
        prompts: () => modern.notify.promptsChanged(),
        updated: (uri) => modern.notify.resourceUpdated(uri),
    }), { legacy: "reject" });

    async function new_session() {
        const transport = new WebStandardStreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            eventStore: new Events(),
            retryInterval: 50,
            onsessioninitialized: (id) => sessions.set(id, transport),
            onsessionclosed: (id) => sessions.delete(id),
        });
        await connect(make, transport);
        return transport;
    }

    async function legacy(request) {
        const id = request.headers.get("mcp-session-id");
        const transport = id === null ? await new_session() : sessions.get(id);
        return transport ? transport.handleRequest(request)
                         : Response.json({ error: "no such session" }, { status: 404 });
    }

    return async (request) => hostHeaderValidationResponse(request, localhostAllowedHostnames())
        ?? originValidationResponse(request, localhostAllowedOrigins())
        ?? ((await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request));
}

async function answer(handler, request, response) {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const got = await handler(new Request(`http://localhost${request.url}`, {
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

/// `how`: legacy or modern over stdio, or http, which prints its port. `make` makes a server;
/// it is given what tells clients of changes: {tools(server), prompts(server), updated(uri)}.
export async function serve(make, how) {
    if (how === "http") {
        const handler = http_handler(make);
        const server = createServer((request, response) => {
            answer(handler, request, response).catch((error) => response.destroy(error));
        });
        server.listen(0, "127.0.0.1", () => console.log(server.address().port));
    } else if (how === "modern") {
        serveStdio(() => make({
            tools: (server) => server.sendToolListChanged(),
            prompts: (server) => server.sendPromptListChanged(),
            updated: (uri, server) => server.sendResourceUpdated({ uri }),
        }), { legacy: "reject" });
    } else {
        await connect(make, new StdioServerTransport());
    }
}
