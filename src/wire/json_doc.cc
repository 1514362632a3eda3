// The one file that knows cJSON. The scanner comes first, so that this parser never sees
// what is not JSON, and both agree on what is.
#include "neurond/wire/json_doc.h"

#include <cjson/cJSON.h>

#include "neurond/wire/json_scan.h"

namespace neuron {

namespace {

// cJSON's own bound on nesting, which is fixed when it is compiled, is 1000.
constexpr unsigned kMaxDocDepth = 512;

struct Free {
    void operator()(char* text) const noexcept { cJSON_free(text); }
};

std::string take_text(char* printed) {
    const std::unique_ptr<char, Free> text(printed);
    return text == nullptr ? std::string() : std::string(text.get());
}

/// cJSON ends its strings with a NUL, so one inside would cut them.
bool has_escaped_nul(std::string_view text) noexcept {
    constexpr std::string_view kNul = "\\u0000";
    for (size_t at = text.find(kNul); at != std::string_view::npos;
         at = text.find(kNul, at + 1)) {
        size_t backslashes = 1;
        while (at >= backslashes && text[at - backslashes] == '\\') {
            ++backslashes;
        }
        if (backslashes % 2 == 1) {
            return true;
        }
    }
    return false;
}

}  // namespace

void JsonDoc::Delete::operator()(cJSON* item) const noexcept {
    cJSON_Delete(item);
}

Result<JsonDoc> JsonDoc::parse(std::string_view text) {
    JsonScanner scanner(kMaxDocDepth);
    if (scanner.finish(text) == Scan::kBad) {
        return Error{"parse JSON: " + scanner.message()};
    }
    if (has_escaped_nul(text)) {
        return Error{"parse JSON: a string holds U+0000"};
    }
    cJSON* const tree = cJSON_ParseWithLength(text.data(), text.size());
    if (tree == nullptr) {
        return Error{
            "parse JSON: no text (a surrogate without its other half, perhaps)"};
    }
    return JsonDoc(tree);
}

bool JsonNode::is_null() const noexcept {
    return cJSON_IsNull(item_) != 0;
}

bool JsonNode::is_bool() const noexcept {
    return cJSON_IsBool(item_) != 0;
}

bool JsonNode::is_number() const noexcept {
    return cJSON_IsNumber(item_) != 0;
}

bool JsonNode::is_string() const noexcept {
    return cJSON_IsString(item_) != 0;
}

bool JsonNode::is_array() const noexcept {
    return cJSON_IsArray(item_) != 0;
}

bool JsonNode::is_object() const noexcept {
    return cJSON_IsObject(item_) != 0;
}

JsonNode JsonNode::get(std::string_view key) const noexcept {
    if (!is_object()) {
        return {};
    }
    for (JsonNode child = first(); child.exists(); child = child.next()) {
        if (child.key() == key) {
            return child;
        }
    }
    return {};
}

JsonNode JsonNode::at(size_t index) const noexcept {
    JsonNode child = first();
    while (child.exists() && index-- > 0) {
        child = child.next();
    }
    return child;
}

size_t JsonNode::size() const noexcept {
    size_t count = 0;
    for (JsonNode child = first(); child.exists(); child = child.next()) {
        ++count;
    }
    return count;
}

std::string_view JsonNode::key() const noexcept {
    if (item_ == nullptr || item_->string == nullptr) {
        return {};
    }
    return item_->string;
}

std::optional<std::string_view> JsonNode::as_string() const noexcept {
    if (!is_string()) {
        return std::nullopt;
    }
    return std::string_view(item_->valuestring);
}

std::optional<double> JsonNode::as_number() const noexcept {
    if (!is_number()) {
        return std::nullopt;
    }
    return item_->valuedouble;
}

std::optional<bool> JsonNode::as_bool() const noexcept {
    if (!is_bool()) {
        return std::nullopt;
    }
    return cJSON_IsTrue(item_) != 0;
}

std::string JsonNode::print() const {
    return take_text(cJSON_PrintUnformatted(item_));
}

std::string JsonNode::print_pretty() const {
    return take_text(cJSON_Print(item_));
}

JsonNode JsonNode::first() const noexcept {
    return is_array() || is_object() ? JsonNode(item_->child) : JsonNode();
}

JsonNode JsonNode::next() const noexcept {
    return item_ == nullptr ? JsonNode() : JsonNode(item_->next);
}

const char* cjson_version() noexcept {
    return cJSON_Version();
}

}  // namespace neuron
