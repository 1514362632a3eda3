// The server of the matrix: everything of MCP that can be seen from outside, in the era of
// whoever asks.
//
// usage: node bridge_server.mjs legacy|modern|http NAME   (http prints its port)
import { inputRequired, ResourceNotFoundError, Server } from "@modelcontextprotocol/server";

import { serve } from "./serve.mjs";

const name = process.argv[3];
const uri = (path) => `${name}://${path}`;
const text = (value) => ({ content: [{ type: "text", text: value }] });
const nothing = { type: "object", properties: {} };
const tagged = { type: "object", properties: { tag: { type: "string" } } };
const cached = (result) => ({ ...result, ttlMs: 0, cacheScope: "private" });

const aborted = new Set();  // tags of calls that were cancelled
const extra = new Set();    // tools that have come

const until = async (done) => {
    for (let i = 0; i < 300 && !done(); ++i) {
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return done();
};

async function progress({ mcpReq }, steps, message) {
    for (let step = 1; step <= steps; ++step) {
        await mcpReq.notify({
            method: "notifications/progress",
            params: {
                progressToken: mcpReq._meta?.progressToken, progress: step, total: steps, message,
            },
        });
    }
}

/// A question in the era of the request: one that ends the call and waits for its
/// repetition, or a request to the client.
async function ask({ mcpReq }, modern, legacy) {
    if (!mcpReq.envelope) {
        return text(JSON.stringify(await legacy({ relatedRequestId: mcpReq.id })));
    }
    const answer = mcpReq.inputResponses?.question;
    return answer ? text(JSON.stringify(answer))
                  : inputRequired({ inputRequests: { question: modern } });
}

const confirm = (message) => ({
    message,
    requestedSchema: { type: "object", properties: { word: { type: "string" } } },
});
const completion = (words) => ({
    messages: [{ role: "user", content: { type: "text", text: words } }], maxTokens: 10,
});

/// Name → what a call does.
const TOOLS = {
    echo: ({ tag }) => text(tag),
    fail: () => ({ ...text("as asked"), isError: true }),
    steps: async ({ tag }, context) => {
        await progress(context, 5, tag);
        return text(tag);
    },
    hang: async ({ tag }, context) => {
        await progress(context, 1, tag);
        const { signal } = context.mcpReq;
        await (signal.aborted || new Promise((done) => signal.addEventListener("abort", done)));
        aborted.add(tag);
        return text("too late");
    },
    aborted: async ({ tag }) => text(String(await until(() => aborted.has(tag)))),
    elicit: ({ tag }, context) => ask(
        context, inputRequired.elicit(confirm(tag)),
        (options) => context.mcpReq.elicitInput({ mode: "form", ...confirm(tag) }, options)),
    sample: ({ tag }, context) => ask(
        context, inputRequired.createMessage(completion(tag)),
        (options) => context.mcpReq.requestSampling(completion(tag), options)),
    roots: (_, context, server) => ask(context, inputRequired.listRoots(),
                                       (options) => server.listRoots({}, options)),
    log: async ({ tag }, { mcpReq }) => {
        for (const level of ["debug", "info", "warning", "error"]) {
            await mcpReq.log(level, `${tag} ${level}`);
        }
        return text("logged");
    },
    add: async ({ tag }, context, server, changed) => {
        extra.add(`extra-${tag}`);
        await changed.tools(server);
        return text("added");
    },
    touch: async (_, context, server, changed) => {
        await changed.updated(uri("note"), server);
        return text("touched");
    },
};

function read(asked) {
    const item = new RegExp(`^${name}://item/(\\d+)$`).exec(asked)?.[1];
    if (asked !== uri("note") && item === undefined) {
        throw new ResourceNotFoundError(asked);
    }
    return cached({ contents: [{ uri: asked, text: item ?? `the note of ${name}` }] });
}

function make(changed) {
    const server = new Server({ name, version: "1" }, {
        capabilities: {
            tools: { listChanged: true }, prompts: { listChanged: true },
            resources: { subscribe: true, listChanged: true }, completions: {}, logging: {},
        },
    });
    const on = (method, answer) => server.setRequestHandler(
        method, ({ params }, context) => answer(params ?? {}, context));
    on("tools/list", () => cached({ tools: [...Object.keys(TOOLS), ...extra].map((tool) => ({
        name: tool, inputSchema: TOOLS[tool]?.length > 0 ? tagged : nothing,
    })) }));
    on("tools/call", (params, context) =>
        TOOLS[params.name](params.arguments ?? {}, context, server, changed));
    on("prompts/list", () => cached({
        prompts: [{ name: "greet", arguments: [{ name: "who", required: true }] }],
    }));
    on("prompts/get", (params) => ({
        messages: [{ role: "user", content: { type: "text", text: `Hi ${params.arguments.who}` } }],
    }));
    on("resources/list", () => cached({ resources: [{ uri: uri("note"), name: "note" }] }));
    on("resources/templates/list", () => cached({
        resourceTemplates: [{ uriTemplate: uri("item/{n}"), name: "item" }],
    }));
    on("resources/read", (params) => read(params.uri));
    on("resources/subscribe", () => ({}));
    on("resources/unsubscribe", () => ({}));
    on("completion/complete", ({ ref, argument }) => ({
        completion: { values: [`${argument.value}-${ref.name ?? "item"}`] },
    }));
    return server;
}

await serve(make, process.argv[2]);
