// The clients of the matrix on the official SDK 2.x, which speak 2026-07-28.
//
// usage: node bridge_sdk2.mjs http|lines|ws URL|SOCKET '["server",...]' [TOKEN]
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import { ANSWERS, CAPABILITIES, Heard, walk } from "./bridge_walk.mjs";

const [how, target, spaces, token] = process.argv.slice(2);

/// One message a line, over a Unix socket.
class LinesTransport {
    async start() {
        this.socket = createConnection(target);
        await new Promise((resolve, reject) => {
            this.socket.once("connect", resolve).once("error", reject);
        });
        createInterface({ input: this.socket }).on("line", (line) =>
            this.onmessage?.(JSON.parse(line)));
        this.socket.on("close", () => this.onclose?.());
    }

    async send(message) {
        this.socket.write(JSON.stringify(message) + "\n");
    }

    async close() {
        this.socket.destroy();
    }
}

/// One message a frame.
class FramesTransport {
    async start() {
        this.socket = new WebSocket(target, "mcp");
        await new Promise((resolve, reject) => {
            this.socket.onopen = resolve;
            this.socket.onerror = () => reject(new Error("no WebSocket"));
        });
        this.socket.onmessage = ({ data }) => this.onmessage?.(JSON.parse(data));
        this.socket.onclose = () => this.onclose?.();
    }

    async send(message) {
        this.socket.send(JSON.stringify(message));
    }

    async close() {
        this.socket.close();
    }
}

const TRANSPORTS = {
    http: () => new StreamableHTTPClientTransport(new URL(target), {
        requestInit: token ? { headers: { Authorization: `Bearer ${token}` } } : {},
    }),
    lines: () => new LinesTransport(),
    ws: () => new FramesTransport(),
};

const client = new Client({ name: "bridge", version: "2" }, {
    capabilities: CAPABILITIES,
    versionNegotiation: { mode: { pin: "2026-07-28" } },
});
client.setRequestHandler("elicitation/create", ({ params }) => ANSWERS.elicitation(params));
client.setRequestHandler("sampling/createMessage", ({ params }) => ANSWERS.sampling(params));
client.setRequestHandler("roots/list", () => ANSWERS.roots());
const heard = new Heard();
const transport = TRANSPORTS[how]();
await client.connect(transport);
heard.listen_to(transport);

const LISTS = {
    tools: (options) => client.listTools({}, options),
    prompts: (options) => client.listPrompts({}, options),
    resources: (options) => client.listResources({}, options),
    resourceTemplates: (options) => client.listResourceTemplates({}, options),
};
const meta = {};

const found = await walk({
    era: "modern",
    revision: "2026-07-28",
    heard,
    call: (name, args = {}, options = {}) =>
        client.callTool({ name, arguments: args, _meta: { ...meta } }, options),
    list: async (kind) => (await LISTS[kind]({ cacheMode: "refresh" }))[kind],
    prompt: (name, args) => client.getPrompt({ name, arguments: args }),
    read: (uri) => client.readResource({ uri }),
    complete: (ref, argument) => client.complete({ ref, argument }),
    level: async (level) => {
        meta["io.modelcontextprotocol/logLevel"] = level;
    },
    news: (filter) => client.listen(filter),
}, JSON.parse(spaces));
console.log(JSON.stringify(found));
process.exit(0);
