#ifndef NEUROND_WIRE_JSON_VIEW_H
#define NEUROND_WIRE_JSON_VIEW_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace neuron {

enum class JsonType : uint8_t {
    kAbsent,
    kNull,
    kBool,
    kNumber,
    kString,
    kArray,
    kObject
};

class JsonElementRange;
class JsonMemberRange;

/// Reads a JSON value in place. The text must have passed JsonScanner (on other text the
/// answers are wrong, but nothing outside the view is read); it is not owned and must
/// outlive the view. Allocates only for as_string().
class JsonView {
  public:
    /// An absent value: what find() answers when there is nothing.
    JsonView() = default;
    /// `value` may have blanks around it.
    explicit JsonView(std::string_view value) noexcept;

    JsonType type() const noexcept;
    bool exists() const noexcept { return !raw_.empty(); }
    bool is_null() const noexcept { return type() == JsonType::kNull; }
    bool is_string() const noexcept { return type() == JsonType::kString; }
    bool is_number() const noexcept { return type() == JsonType::kNumber; }
    bool is_array() const noexcept { return type() == JsonType::kArray; }
    bool is_object() const noexcept { return type() == JsonType::kObject; }

    /// The exact bytes, without blanks around; strings with their quotes.
    std::string_view raw() const noexcept { return raw_; }

    /// Decoded; a lone surrogate escape becomes U+FFFD. Nothing if it is not a string.
    std::optional<std::string> as_string() const;
    /// True when it is a string that stands for exactly `plain`.
    bool is_string(std::string_view plain) const noexcept;
    /// Integers in range only: no fraction, no exponent.
    std::optional<int64_t> as_int64() const noexcept;
    std::optional<double> as_double() const noexcept;
    std::optional<bool> as_bool() const noexcept;

    /// True for a number without fraction and exponent, of any length.
    bool is_integer() const noexcept;

    /// The first member of that name (decoded compare, exact case); absent when there is
    /// none or this is not an object.
    JsonView find(std::string_view key) const noexcept;
    /// Element `index`; absent when there is none or this is not an array. Linear.
    JsonView at(size_t index) const noexcept;

    /// `for (JsonView item : view.elements())`; nothing unless an array.
    JsonElementRange elements() const noexcept;
    /// `for (const JsonPair& member : view.members())`; nothing unless an object.
    JsonMemberRange members() const noexcept;

  private:
    std::string_view raw_;
};

/// A member as JsonView reads it; `key` is the string with its quotes.
struct JsonPair {
    JsonView key;
    JsonView value;
};

/// Walks the values of a container, each skipped once. Use by JsonView::elements().
class JsonElementRange {
  public:
    class Iterator {
      public:
        Iterator() = default;
        explicit Iterator(std::string_view inside) noexcept : rest_(inside) { next(); }
        JsonView operator*() const noexcept { return item_; }
        Iterator& operator++() noexcept {
            next();
            return *this;
        }
        /// Only meant against end().
        bool operator!=(const Iterator&) const noexcept { return item_.exists(); }

      private:
        void next() noexcept;
        std::string_view rest_;
        JsonView item_;
    };

    explicit JsonElementRange(std::string_view inside) noexcept : inside_(inside) {}
    Iterator begin() const noexcept { return Iterator(inside_); }
    Iterator end() const noexcept { return Iterator(); }

  private:
    std::string_view inside_;
};

/// Walks the members of an object. Use by JsonView::members().
class JsonMemberRange {
  public:
    class Iterator {
      public:
        Iterator() = default;
        explicit Iterator(std::string_view inside) noexcept : rest_(inside) { next(); }
        const JsonPair& operator*() const noexcept { return item_; }
        const JsonPair* operator->() const noexcept { return &item_; }
        Iterator& operator++() noexcept {
            next();
            return *this;
        }
        /// Only meant against end().
        bool operator!=(const Iterator&) const noexcept { return item_.value.exists(); }

      private:
        void next() noexcept;
        std::string_view rest_;
        JsonPair item_;
    };

    explicit JsonMemberRange(std::string_view inside) noexcept : inside_(inside) {}
    Iterator begin() const noexcept { return Iterator(inside_); }
    Iterator end() const noexcept { return Iterator(); }

  private:
    std::string_view inside_;
};

}  // namespace neuron

#endif
