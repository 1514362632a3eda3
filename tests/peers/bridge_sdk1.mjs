// The clients of the matrix on the official SDK 1.x, which speak the legacy revisions.
//
// usage: node bridge_sdk1.mjs sse|http|stdio|ws URL|'["command",...]' '["server",...]' [TOKEN]
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import {
    CallToolResultSchema, CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { ANSWERS, CAPABILITIES, Heard, walk } from "./bridge_walk.mjs";

const [how, target, spaces, token] = process.argv.slice(2);
const requestInit = token ? { headers: { Authorization: `Bearer ${token}` } } : {};

/// The oldest revision: what its clients ask for, and declare.
function as_of_2024(transport) {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
        if (message.method === "initialize") {
            message.params.protocolVersion = "2024-11-05";
            delete message.params.capabilities.elicitation;
        }
        return send(message, options);
    };
    return transport;
}

const TRANSPORTS = {
    sse: () => as_of_2024(new SSEClientTransport(new URL(target), { requestInit })),
    http: () => new StreamableHTTPClientTransport(new URL(target), { requestInit }),
    stdio: () => {
        const [command, ...args] = JSON.parse(target);
        return new StdioClientTransport({ command, args });
    },
    ws: () => new WebSocketClientTransport(new URL(target)),
};

const client = new Client({ name: "bridge", version: "1" }, { capabilities: CAPABILITIES });
client.setRequestHandler(ElicitRequestSchema, ({ params }) => ANSWERS.elicitation(params));
client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ANSWERS.sampling(params));
client.setRequestHandler(ListRootsRequestSchema, () => ANSWERS.roots());
const heard = new Heard();
const transport = TRANSPORTS[how]();
await client.connect(transport);
heard.listen_to(transport);

const LISTS = {
    tools: () => client.listTools(),
    prompts: () => client.listPrompts(),
    resources: () => client.listResources(),
    resourceTemplates: () => client.listResourceTemplates(),
};

const found = await walk({
    era: "legacy",
    revision: how === "sse" ? "2024-11-05" : "2025-11-25",
    heard,
    call: (name, args = {}, options = {}) =>
        client.callTool({ name, arguments: args }, CallToolResultSchema, options),
    list: async (kind) => (await LISTS[kind]())[kind],
    prompt: (name, args) => client.getPrompt({ name, arguments: args }),
    read: (uri) => client.readResource({ uri }),
    complete: (ref, argument) => client.complete({ ref, argument }),
    level: (level) => client.setLoggingLevel(level),
    news: async ({ resourceSubscriptions = [] }) => {
        for (const uri of resourceSubscriptions) {
            await client.subscribeResource({ uri });
        }
    },
}, JSON.parse(spaces));
console.log(JSON.stringify(found));
process.exit(0);
