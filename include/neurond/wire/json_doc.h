#ifndef NEUROND_WIRE_JSON_DOC_H
#define NEUROND_WIRE_JSON_DOC_H

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/result.h"

struct cJSON;

namespace neuron {

/// One value of a JsonDoc, borrowed from it. A default one is absent: every question
/// about it has a negative answer.
class JsonNode {
  public:
    JsonNode() = default;
    explicit JsonNode(const cJSON* item) noexcept : item_(item) {}

    bool exists() const noexcept { return item_ != nullptr; }
    bool is_null() const noexcept;
    bool is_bool() const noexcept;
    bool is_number() const noexcept;
    bool is_string() const noexcept;
    bool is_array() const noexcept;
    bool is_object() const noexcept;

    /// Exact case; absent when there is none or this is not an object.
    JsonNode get(std::string_view key) const noexcept;
    /// Absent when out of range or neither array nor object.
    JsonNode at(size_t index) const noexcept;
    /// Elements of an array, members of an object; else 0.
    size_t size() const noexcept;
    /// The key under which this is a member; else empty.
    std::string_view key() const noexcept;

    std::optional<std::string_view> as_string() const noexcept;
    std::optional<double> as_number() const noexcept;
    std::optional<bool> as_bool() const noexcept;

    std::string print() const;
    /// Indented, for people.
    std::string print_pretty() const;

    /// `for (JsonNode child = node.first(); child.exists(); child = child.next())`
    JsonNode first() const noexcept;
    JsonNode next() const noexcept;

  private:
    const cJSON* item_ = nullptr;
};

/// A parsed tree, for what must be understood as a whole (command line, host tools). Never
/// for what is forwarded: numbers become doubles, a string ends at an escaped NUL.
class JsonDoc {
  public:
    /// Refuses what JsonScanner refuses, with its message, and strings holding \u0000.
    static Result<JsonDoc> parse(std::string_view text);

    JsonNode root() const noexcept { return JsonNode(tree_.get()); }

  private:
    struct Delete {
        void operator()(cJSON* item) const noexcept;
    };
    explicit JsonDoc(cJSON* tree) noexcept : tree_(tree) {}

    std::unique_ptr<cJSON, Delete> tree_;
};

/// "1.7.15": the library as loaded.
const char* cjson_version() noexcept;

}  // namespace neuron

#endif
