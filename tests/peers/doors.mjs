// A client on the official SDK 1.x over the older doors: lists the tools, calls those asked
// for, replies to what servers ask, and prints what it saw as one JSON object.
//
// usage: node doors.mjs URL '[["tool",{"argument":1}],...]'     (ws://… or http://…/sse)
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

const [target, calls] = [new URL(process.argv[2]), JSON.parse(process.argv[3])];
const client = new Client(
    { name: "peers", version: "1" },
    { capabilities: { elicitation: {}, sampling: {} } },
);
const asked = [];
client.setRequestHandler(ElicitRequestSchema, (request) => {
    asked.push(request.params.message);
    return { action: "accept", content: { who: "me" } };
});
client.setRequestHandler(CreateMessageRequestSchema, (request) => {
    asked.push(request.params.maxTokens);
    return { role: "assistant", model: "none", content: { type: "text", text: "sampled" } };
});
const transport = target.protocol.startsWith("ws")
    ? new WebSocketClientTransport(target)
    : new SSEClientTransport(target);
await client.connect(transport);
const { tools } = await client.listTools();
const progress = [];
const results = [];
for (const [name, args] of calls) {
    const onprogress = (told) => progress.push(told.progress);
    results.push(await client.callTool({ name, arguments: args }, undefined, { onprogress }));
}
console.log(
    JSON.stringify({
        server: client.getServerVersion(),
        tools: tools.map((tool) => tool.name),
        asked,
        progress,
        results,
    }),
);
await client.close();
