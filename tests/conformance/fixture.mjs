// A stdio server with the tools that the official conformance suite calls by name, on the
// official SDK 2.x.
//
// usage: node fixture.mjs legacy|modern
import { createRequire } from "node:module";

const require = createRequire(new URL("../peers/package.json", import.meta.url));
const { inputRequired, MissingRequiredClientCapabilityError, Server } =
    require("@modelcontextprotocol/server");
const { serveStdio, StdioServerTransport } = require("@modelcontextprotocol/server/stdio");

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SOUND = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

const text = (value) => ({ type: "text", text: value });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const embedded = (uri, mimeType, value) => ({
    type: "resource",
    resource: { uri, mimeType, text: value },
});
const nothing = { type: "object", properties: {} };

async function progress(_, { mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const done of [0, 50, 100]) {
        if (progressToken !== undefined) {
            await mcpReq.notify({
                method: "notifications/progress",
                params: { progressToken, progress: done, total: 100, message: `${done} of 100` },
            });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { content: [text("progress complete")] };
}

function needs_sampling(_, { mcpReq }) {
    const declared = mcpReq._meta?.["io.modelcontextprotocol/clientCapabilities"] ?? {};
    if (!declared.sampling) {
        throw new MissingRequiredClientCapabilityError({
            requiredCapabilities: { sampling: {} },
        });
    }
    return { content: [text("sampling may be asked for")] };
}

function ask_name() {
    return inputRequired({
        inputRequests: {
            user_name: inputRequired.elicit({
                message: "What is your name?",
                requestedSchema: { type: "object", properties: { name: { type: "string" } } },
            }),
        },
    });
}

async function log(_, { mcpReq }) {
    for (const step of ["started", "working", "done"]) {
        await mcpReq.log("info", step);
    }
    return { content: [text("logged")] };
}

/// Name → [input schema, what a call does].
const TOOLS = {
    test_simple_text: [nothing, () => ({
        content: [text("This is a simple text response for testing.")],
    })],
    test_image_content: [nothing, () => ({ content: [image] })],
    test_audio_content: [nothing, () => ({
        content: [{ type: "audio", data: SOUND, mimeType: "audio/wav" }],
    })],
    test_embedded_resource: [nothing, () => ({
        content: [embedded("test://embedded-resource", "text/plain", "an embedded resource")],
    })],
    test_multiple_content_types: [nothing, () => ({
        content: [
            text("Multiple content types test:"),
            image,
            embedded("test://mixed-content-resource", "application/json", '{"test":"data"}'),
        ],
    })],
    test_error_handling: [nothing, () => ({
        content: [text("This tool intentionally returns an error for testing")],
        isError: true,
    })],
    test_tool_with_progress: [nothing, progress],
    json_schema_2020_12_tool: [{
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        $defs: {
            address: {
                $anchor: "addressDef",
                type: "object",
                properties: { street: { type: "string" }, city: { type: "string" } },
            },
        },
        properties: {
            name: { type: "string" },
            address: { $ref: "#/$defs/address" },
            contactMethod: { type: "string", enum: ["phone", "email"] },
            phone: { type: "string" },
            email: { type: "string" },
        },
        allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
        if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
        then: { required: ["phone"] },
        else: { required: ["email"] },
        additionalProperties: false,
    }, () => ({ content: [text("valid")] })],
    test_missing_capability: [nothing, needs_sampling],
    test_streaming_elicitation: [nothing, ask_name],
    test_logging_tool: [nothing, log],
    test_custom_header: [{
        type: "object",
        properties: { region: { type: "string", "x-mcp-header": "Region" } },
        required: ["region"],
    }, ({ region }) => ({ content: [text(region)] })],
};

function make() {
    const server = new Server(
        { name: "conformance-fixture", version: "1" },
        { capabilities: { tools: {}, logging: {} } },
    );
    server.setRequestHandler("tools/list", () => ({
        tools: Object.entries(TOOLS).map(([name, [inputSchema]]) => ({
            name,
            description: name.replaceAll("_", " "),
            inputSchema,
        })),
        ttlMs: 0,
        cacheScope: "private",
    }));
    server.setRequestHandler("tools/call", ({ params }, context) => {
        const [, call] = TOOLS[params.name] ?? [];
        return call ? call(params.arguments ?? {}, context)
                    : { content: [text(`no tool ${params.name}`)], isError: true };
    });
    return server;
}

if (process.argv[2] === "modern") {
    serveStdio(make, { legacy: "reject" });
} else {
    await make().connect(new StdioServerTransport());
}
