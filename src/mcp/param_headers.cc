// Arguments as header fields: who reads them (a door) and who writes them (a leg) walk the
// same schema in the same way.

#include "neurond/mcp/param_headers.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "neurond/base/text.h"
#include "neurond/wire/http_fields.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

constexpr const char* kAnnotation = "x-mcp-header";

using Found = std::function<void(const std::string&, const JsonView&)>;

void walk(const JsonView& schema, const JsonView& arguments, const Found& found) {
    for (const JsonPair& property : schema.find("properties").members()) {
        const std::string key = property.key.as_string().value_or("");
        const JsonView value = arguments.find(key);
        const auto header = property.value.find(kAnnotation).as_string();
        if (header && is_http_token(*header)) {
            found("Mcp-Param-" + *header, value);
        }
        walk(property.value, value, found);
    }
}

bool is_plain_type(const JsonView& type) {
    return type.is_string("string") || type.is_string("integer") ||
           type.is_string("boolean");
}

/// Looks for the first annotation that is not valid.
class AnnotationCheck {
  public:
    void properties_of(const JsonView& schema);
    const std::string& fault() const noexcept { return fault_; }

  private:
    void property(const std::string& key, const JsonView& schema);
    void annotation(const std::string& key, const JsonView& schema,
                    const JsonView& header);

    std::set<std::string> names_;  ///< in lower case
    std::string fault_;
};

void AnnotationCheck::properties_of(const JsonView& schema) {
    for (const JsonPair& each : schema.find("properties").members()) {
        property(each.key.as_string().value_or(""), each.value);
    }
}

void AnnotationCheck::property(const std::string& key, const JsonView& schema) {
    const JsonView header = schema.find(kAnnotation);
    if (header.exists() && fault_.empty()) {
        annotation(key, schema, header);
    }
    properties_of(schema);
}

void AnnotationCheck::annotation(const std::string& key, const JsonView& schema,
                                 const JsonView& header) {
    const std::string name = header.as_string().value_or("");
    const std::string of = " of " + escape(key, 64);
    if (!header.is_string() || !is_http_token(name)) {
        fault_ = "the x-mcp-header" + of + " is no header name";
    } else if (!is_plain_type(schema.find("type"))) {
        fault_ = "the x-mcp-header" + of + " is not of a string, integer or boolean";
    } else if (!names_.insert(to_lower(name)).second) {
        fault_ = "the x-mcp-header" + of + " stands twice";
    }
}

}  // namespace

std::string param_header_fault(const JsonView& tool) {
    AnnotationCheck check;
    if (tool.raw().find(kAnnotation) != std::string_view::npos) {
        check.properties_of(tool.find("inputSchema"));
    }
    return check.fault();
}

void drop_faulty_tools(Offer& offer) {
    Offer::List& list = offer.of(ItemKind::kTool);
    const auto faulty = [&offer, &list](const OfferItem& item) {
        const std::string fault = param_header_fault(JsonView(item.item.view()));
        if (!fault.empty()) {
            note_problem(offer, "tool '" + escape(item.own_name, 128) +
                                    "' is left out: " + fault);
            list.names.erase(item.own_name);
            list.bytes -= item.item.size;
        }
        return !fault.empty();
    };
    list.items.erase(std::remove_if(list.items.begin(), list.items.end(), faulty),
                     list.items.end());
}

void for_each_param_header(const CatalogEntry& entry, const JsonView& arguments,
                           const Found& found) {
    const std::string_view item = entry.source.item.view();
    if (item.find(kAnnotation) != std::string_view::npos) {  // most have none
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
    constexpr std::string_view kRequestId = "X-Request-Id";
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& field : call.request.headers) {
        if (!equals_ignoring_case(field.first, kRequestId)) {
            fields.push_back(field);
        }
    }
    fields.emplace_back(kRequestId, call.request.request_id);
    if (repeats) {
        const JsonView arguments(call.request.arguments.in(call.request.text.view()));
        for (auto& field : param_headers(*call.entry, arguments)) {
            fields.push_back(std::move(field));
        }
    }
    return fields;
}

}  // namespace neuron
