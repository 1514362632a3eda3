#ifndef NEUROND_WIRE_HTTP_FIELDS_H
#define NEUROND_WIRE_HTTP_FIELDS_H

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace neuron {

/// One field line: the name as it was written, the value without blanks around it.
struct HttpField {
    std::string_view name;
    std::string_view value;
};

/// The field lines of a message in their order. Views; the bytes are somebody else's.
/// Names are compared without case (RFC 9110 section 5.1).
class HttpFields {
  public:
    void clear() noexcept { fields_.clear(); }
    void add(HttpField field) { fields_.push_back(field); }
    size_t size() const noexcept { return fields_.size(); }
    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }

    /// The value of the first field of that name.
    std::optional<std::string_view> field(std::string_view name) const noexcept;
    size_t count(std::string_view name) const noexcept;
    /// True when `token` is an element, compared without case, of the comma-separated list
    /// that all fields of that name form together (RFC 9110 section 5.6.1).
    bool has_token(std::string_view name, std::string_view token) const noexcept;

  private:
    std::vector<HttpField> fields_;
};

/// RFC 9110 section 5.6.2; false for the empty string.
bool is_http_token(std::string_view text) noexcept;
/// True when `text` can stand as a field value: no control bytes but tabs, no blanks
/// around it. Bytes from 0x80 on (obs-text) pass. RFC 9110 section 5.5.
bool is_field_value(std::string_view text) noexcept;
/// A host with an optional port, as the Host field and a URL have it: a name, an IPv4
/// address or [IPv6], and a port up to 65535. No user information. RFC 3986 section 3.2.
bool is_host_and_port(std::string_view text) noexcept;

/// Whether the connection outlives this message: HTTP/1.1 unless `Connection: close`,
/// HTTP/1.0 only with `Connection: keep-alive`. RFC 9112 section 9.3.
bool keeps_alive(int minor_version, const HttpFields& fields) noexcept;

}  // namespace neuron

#endif
