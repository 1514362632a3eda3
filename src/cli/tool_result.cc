// A tool's result as text. What cannot be shown is named in brackets rather than dropped,
// so that nobody takes an image for an empty answer.

#include "neurond/cli/tool_result.h"

#include "neurond/wire/json_view.h"

namespace neuron {

namespace {

std::string text_of(JsonView object, std::string_view key) {
    return object.find(key).as_string().value_or("");
}

std::string block_text(JsonView block) {
    const std::string type = text_of(block, "type");
    if (type == "text") {
        return text_of(block, "text");
    }
    if (type == "resource_link") {
        return "[resource " + text_of(block, "uri") + "]";
    }
    if (type == "resource") {
        const JsonView resource = block.find("resource");
        if (resource.find("text").is_string()) {
            return text_of(resource, "text");
        }
        return "[resource " + text_of(resource, "uri") + "]";
    }
    const std::string media = text_of(block, "mimeType");
    return "[" + (type.empty() ? std::string("content") : type) +
           (media.empty() ? "" : " " + media) + "]";
}

}  // namespace

std::string result_text(std::string_view result) {
    const JsonView root(result);
    std::string out;
    for (JsonView block : root.find("content").elements()) {
        out += block_text(block);
        if (!out.empty() && out.back() != '\n') {
            out += '\n';
        }
    }
    const JsonView structured = root.find("structuredContent");
    if (out.empty() && structured.exists()) {
        out = std::string(structured.raw()) + "\n";
    }
    return out;
}

bool result_is_error(std::string_view result) {
    return JsonView(result).find("isError").as_bool().value_or(false);
}

}  // namespace neuron
