// A server on the official SDK 2.x that speaks 2026-07-28 and refuses everything older.
//
// usage: node modern.mjs stdio | node modern.mjs http     (prints its port, then a newline)
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { createMcpHandler, fromJsonSchema, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

const object = (properties, required = Object.keys(properties)) =>
    fromJsonSchema({ type: "object", properties, required });
const text = (value) => ({ content: [{ type: "text", text: value }] });

function make() {
    const server = new McpServer({ name: "modern", version: "1" });
    const tool = (name, inputSchema, run, more = {}) =>
        server.registerTool(name, { description: name, inputSchema, ...more }, run);
    tool("echo", object({ text: { type: "string" } }), (args) => text(args.text));
    tool("add", object({ a: { type: "number" }, b: { type: "number" } }), ({ a, b }) => ({
        ...text(String(a + b)),
        structuredContent: { sum: a + b },
    }), { outputSchema: object({ sum: { type: "number" } }) });
    tool("fail", object({}), () => ({ ...text("as asked"), isError: true }));
    tool("steps", object({ steps: { type: "integer" } }), async ({ steps }, context) => {
        const token = context.mcpReq._meta?.progressToken;
        for (let progress = 1; token !== undefined && progress <= steps; ++progress) {
            await context.mcpReq.notify({
                method: "notifications/progress",
                params: { progressToken: token, progress, total: steps },
            });
        }
        return text("completed");
    });
    tool("hang", object({}), (_, { mcpReq }) => new Promise((resolve) => {
        console.error("hang: begun");
        mcpReq.signal.addEventListener("abort", () => {
            console.error("hang: aborted");
            resolve(text("too late"));
        });
    }));
    tool("routed", object({ region: { type: "string", "x-mcp-header": "Region" } }),
         ({ region }) => text(region));
    return server;
}

async function answer(handler, request, response) {
    const got = await handler.fetch(new Request(`http://localhost${request.url}`, {
        method: request.method,
        headers: request.headers,
        body: request.method === "POST" ? Readable.toWeb(request) : undefined,
        duplex: "half",
    }));
    response.writeHead(got.status, Object.fromEntries(got.headers));
    if (got.body) {
        Readable.fromWeb(got.body).pipe(response);
    } else {
        response.end();
    }
}

if (process.argv[2] === "http") {
    const handler = createMcpHandler(make, { legacy: "reject" });
    const server = createServer((request, response) => {
        answer(handler, request, response).catch((error) => response.destroy(error));
    });
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));
} else {
    serveStdio(make, { legacy: "reject" });
}
