#ifndef NEUROND_BASE_RESULT_H
#define NEUROND_BASE_RESULT_H

#include <cassert>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace neuron {

/// Why something failed, as one line "verb object: reason"; the caller that knows more
/// puts its own words in front.
struct Error {
    std::string message;
    int sys = 0;  ///< errno where one was the cause, else 0
};

/// "verb object: reason", from errno: `return sys_error("open", path);`
Error sys_error(std::string_view verb, std::string_view object = {}, int err = errno);

/// The value of a Status that is fine.
struct Ok {};

/// A T or an Error, never neither. Must be looked at: the type is [[nodiscard]].
template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return v_.index() == 0; }
    T& operator*() & noexcept { return *ptr(); }
    const T& operator*() const& noexcept { return *const_cast<Result*>(this)->ptr(); }
    T&& operator*() && noexcept { return std::move(*ptr()); }
    T* operator->() noexcept { return ptr(); }
    const T* operator->() const noexcept { return const_cast<Result*>(this)->ptr(); }
    const Error& error() const noexcept {
        assert(v_.index() == 1);
        return *std::get_if<1>(&v_);
    }

  private:
    T* ptr() noexcept {
        assert(v_.index() == 0);
        return std::get_if<0>(&v_);
    }
    std::variant<T, Error> v_;
};

/// Success, or why not: `return Ok{};` or `return sys_error(...)`.
using Status = Result<Ok>;

}  // namespace neuron

#endif
