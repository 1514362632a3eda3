#ifndef NEUROND_TESTS_UNIT_NET_CHANNEL_WORLD_H
#define NEUROND_TESTS_UNIT_NET_CHANNEL_WORLD_H

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "net_peer.h"
#include "neurond/base/block.h"
#include "neurond/base/limits.h"
#include "neurond/net/channel.h"

using namespace neuron;

namespace {

constexpr Millis kNow{0};
constexpr Millis kLong{60 * 1000};

/// A channel and its owner, who writes down what happens and does what the test says.
struct User final : ChannelOwner {
    User(EventLoop& loop, Peer& peer) : channel(loop, peer.stream(), *this) {}
    User(EventLoop& loop, std::unique_ptr<Stream> stream)
        : channel(loop, std::move(stream), *this) {}

    WriteSpan input_space() override { return {space.data(), room}; }
    void on_input(size_t n) override {
        CHECK(n > 0);
        CHECK(n <= room);
        CHECK(closed.empty());
        got.append(space.data(), n);
        if (when_input) {
            when_input();
        }
    }
    void on_input_end() override { note("end", when_end); }
    void on_output_room() override { note("room", when_room); }
    void on_output_broken() override { note("broken", nullptr); }
    void on_lingering() override { note("linger", when_linger); }
    void on_closed(const std::string& reason) override { closed.push_back(reason); }

    void note(const char* what, const std::function<void()>& then) {
        CHECK(closed.empty());
        told.append(what).append(" ");
        if (then) {
            then();
        }
    }
    void say(std::string_view text) {
        channel.out().write(text);
        channel.flush();
    }

    std::vector<char> space = std::vector<char>(128 * 1024);
    size_t room = space.size();
    std::string got;
    std::string told;
    std::vector<std::string> closed;
    std::function<void()> when_input;
    std::function<void()> when_end;
    std::function<void()> when_room;
    std::function<void()> when_linger;
    Channel channel;
};

using Reasons = std::vector<std::string>;

void turns(EventLoop& loop, int count) {
    for (int i = 0; i < count; ++i) {
        loop.turn(kNow);
    }
}

inline std::string pattern(size_t size) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    }
    return text;
}

}  // namespace

#endif
