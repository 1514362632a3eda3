#ifndef NEUROND_WIRE_JSON_WRITE_H
#define NEUROND_WIRE_JSON_WRITE_H

#include <cstdint>
#include <string>
#include <string_view>

namespace neuron {

/// `text` as a JSON string, with its quotes. Control characters become escapes, ill-formed
/// UTF-8 becomes U+FFFD; everything else stays as it is.
std::string json_quote(std::string_view text);
/// The same, appended.
void append_json_quoted(std::string& out, std::string_view text);

/// Builds compact JSON. Commas come by themselves; that begin and end match, and that
/// every member has its key, is the caller's promise (checked by assert in take()).
///
///     JsonWriter w;
///     w.begin_object().key("state").string("healthy");
///     w.key("tools").integer(4).end_object();
///     send(w.take());
class JsonWriter {
  public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);
    JsonWriter& string(std::string_view text);
    JsonWriter& integer(int64_t value);
    JsonWriter& unsigned_integer(uint64_t value);
    /// Shortest form that reads back the same. `value` must be finite.
    JsonWriter& number(double value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();
    /// A value that is JSON already. Must not be empty.
    JsonWriter& raw(std::string_view json);

    std::string_view view() const noexcept { return out_; }
    size_t size() const noexcept { return out_.size(); }
    /// The text; the writer is empty afterwards. Everything begun must have ended.
    std::string take();

  private:
    void separate();

    std::string out_;
    int depth_ = 0;
};

}  // namespace neuron

#endif
