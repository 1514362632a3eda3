// Arguments as header fields: who reads them (a door) and who writes them (a leg) walk the
// same schema in the same way.

#include "neurond/mcp/param_headers.h"

#include "neurond/wire/http_fields.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

using Found = std::function<void(const std::string&, const JsonView&)>;

void walk(const JsonView& schema, const JsonView& arguments, const Found& found) {
    for (const JsonPair& property : schema.find("properties").members()) {
        const std::string key = property.key.as_string().value_or("");
        const JsonView value = arguments.find(key);
        const auto header = property.value.find("x-mcp-header").as_string();
        if (header && is_http_token(*header)) {
            found("Mcp-Param-" + *header, value);
        }
        walk(property.value, value, found);
    }
}

}  // namespace

void for_each_param_header(const CatalogEntry& entry, const JsonView& arguments,
                           const Found& found) {
    const std::string_view item = entry.source.item.view();
    if (item.find("x-mcp-header") != std::string_view::npos) {  // most have none
        walk(JsonView(item).find("inputSchema"), arguments, found);
    }
}

std::vector<std::pair<std::string, std::string>> param_headers(
    const CatalogEntry& entry, const JsonView& arguments) {
    std::vector<std::pair<std::string, std::string>> out;
    for_each_param_header(
        entry, arguments, [&out](const std::string& name, const JsonView& value) {
            if (value.is_string()) {
                out.emplace_back(name, encode_mcp_header(*value.as_string()));
            } else if (value.is_number() || value.type() == JsonType::kBool) {
                out.emplace_back(name, std::string(value.raw()));
            }
        });
    return out;
}

std::vector<std::pair<std::string, std::string>> call_headers(const Call& call,
                                                              bool repeats) {
    auto fields = call.request.headers;
    if (repeats) {
        const JsonView arguments(call.request.arguments.in(call.request.text.view()));
        for (auto& field : param_headers(*call.entry, arguments)) {
            fields.push_back(std::move(field));
        }
    }
    return fields;
}

}  // namespace neuron
