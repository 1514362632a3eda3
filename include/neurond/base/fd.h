#ifndef NEUROND_BASE_FD_H
#define NEUROND_BASE_FD_H

#include <unistd.h>

#include <utility>

namespace neuron {

/// Sole owner of one file descriptor; closes it on destruction.
/// Explicit both ways: no int becomes an Fd, and no Fd an int, by accident.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());  // release first: self-move keeps the descriptor
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset(int fd = -1) noexcept {
        const int old = std::exchange(fd_, fd);
        if (old >= 0) {
            ::close(old);  // never retried: after EINTR Linux has closed it already
        }
    }

  private:
    int fd_ = -1;
};

}  // namespace neuron

#endif
