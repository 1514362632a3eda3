// Counting what clients send and get, whatever protocol they speak on a connection.

#include "neurond/net/counted_stream.h"

#include <utility>

namespace neuron {

namespace {

class CountedStream final : public Stream {
  public:
    CountedStream(std::unique_ptr<Stream> inner, ByteCounts& counts)
        : inner_(std::move(inner)), counts_(counts) {}

    Io read(char* into, size_t size) override {
        const Io io = inner_->read(into, size);
        counts_.in += io.bytes;
        return io;
    }
    Io write(const iovec* parts, int count) override {
        const Io io = inner_->write(parts, count);
        counts_.out += io.bytes;
        return io;
    }
    bool end_output() override { return inner_->end_output(); }
    int read_fd() const noexcept override { return inner_->read_fd(); }
    int write_fd() const noexcept override { return inner_->write_fd(); }
    bool has_buffered_input() const noexcept override {
        return inner_->has_buffered_input();
    }
    bool is_silent() override { return inner_->is_silent(); }
    std::string reason() const override { return inner_->reason(); }

  private:
    std::unique_ptr<Stream> inner_;
    ByteCounts& counts_;
};

}  // namespace

std::unique_ptr<Stream> counted(std::unique_ptr<Stream> stream, ByteCounts& counts) {
    return std::make_unique<CountedStream>(std::move(stream), counts);
}

}  // namespace neuron
