// A client on the official SDK 1.x over Streamable HTTP or stdio: lists the tools, calls
// those asked for, all at once, and prints what it saw as one JSON object.
//
// usage: node sdk1.mjs URL|'["command","argument",...]' '[["tool",{"argument":1}],...]'
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [target, calls] = [process.argv[2], JSON.parse(process.argv[3] ?? "[]")];
const client = new Client({ name: "peers", version: "1" }, { capabilities: {} });
const stdio = target.startsWith("[");
const [command, ...args] = stdio ? JSON.parse(target) : [];
const transport = stdio
    ? new StdioClientTransport({ command, args })
    : new StreamableHTTPClientTransport(new URL(target));
await client.connect(transport);

const tools = [];
let cursor;
do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor });
    tools.push(...page.tools);
    cursor = page.nextCursor;
} while (cursor !== undefined);

const progress = {};
const outcome = await Promise.allSettled(
    calls.map(([name, args]) =>
        client.callTool({ name, arguments: args }, undefined, {
            onprogress: (p) => (progress[name] ??= []).push(p.progress),
        }),
    ),
);
const results = outcome.map((o) =>
    o.status === "fulfilled" ? o.value : { thrown: o.reason.message, code: o.reason.code },
);
console.log(
    JSON.stringify({
        server: client.getServerVersion(),
        capabilities: client.getServerCapabilities(),
        revision: transport.protocolVersion,
        session: transport.sessionId !== undefined,
        tools,
        results,
        progress,
    }),
);
await transport.terminateSession?.();
await client.close();
