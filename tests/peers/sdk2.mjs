// A client on the official SDK 2.x over Streamable HTTP or stdio: lists the tools, calls
// those asked for, all at once, and prints what it saw as one JSON object.
//
// usage: node sdk2.mjs legacy|auto|modern URL|'["command","argument",...]'
//            '[["tool",{"argument":1}],...]'
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [mode, target, calls] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4] ?? "[]")];
const stdio = target.startsWith("[");
const [command, ...args] = stdio ? JSON.parse(target) : [];
const client = new Client(
    { name: "peers", version: "2" },
    { versionNegotiation: { mode: mode === "modern" ? { pin: "2026-07-28" } : mode } },
);
const requests = [];
const watched = (input, init) => {
    const headers = new Headers(init?.headers);
    requests.push({
        method: init?.method ?? "GET",
        session: headers.has("mcp-session-id"),
        version: headers.get("mcp-protocol-version"),
        name: headers.get("mcp-name"),
    });
    return fetch(input, init);
};
const transport = stdio
    ? new StdioClientTransport({ command, args })
    : new StreamableHTTPClientTransport(new URL(target), { fetch: watched });
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
        client.callTool({ name, arguments: args }, {
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
        revision: client.getNegotiatedProtocolVersion(),
        era: client.getProtocolEra(),
        requests,
        tools,
        results,
        progress,
    }),
);
await client.close();
