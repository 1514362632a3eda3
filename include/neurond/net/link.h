#ifndef NEUROND_NET_LINK_H
#define NEUROND_NET_LINK_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/base/block.h"
#include "neurond/base/clock.h"
#include "neurond/base/out_queue.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// Uses a link. Callbacks come from the loop.
class LinkOwner {
  public:
    /// One message. `scan` is done with exactly `text`, which has no line breaks. Keep a
    /// copy of a small text rather than the slice: its block may be much larger.
    virtual void on_message(const JsonScanner& scan, const Slice& text) = 0;
    /// What came is not JSON: `scan` says why, `head` is its beginning, `id_raw` the id
    /// of the message it may have been meant as. The link goes on with the next one.
    virtual void on_garbage(const JsonScanner& scan, std::string_view head,
                            std::string_view id_raw) = 0;
    /// A message over the limit was dropped; its raw id, if it could be told.
    virtual void on_oversized(std::string_view id_raw) = 0;
    /// The same, because limits.buffer_total was used up.
    virtual void on_shed(std::string_view id_raw) { on_oversized(id_raw); }
    virtual void on_output_room() = 0;
    /// Nobody reads what is sent any more; messages may still come.
    virtual void on_output_broken() {}
    /// The peer sends no more. True keeps the link open for answers, until finish() or
    /// close(), or until the peer has gone altogether.
    virtual bool on_input_end() { return false; }
    /// The last callback; the link may be retired from here.
    virtual void on_link_closed(const std::string& reason) = 0;

  protected:
    ~LinkOwner() = default;
};

/// A framed JSON-RPC pipe; knows neither eras nor roles.
class Link {
  public:
    virtual ~Link() = default;
    /// Queues one message: JSON on one line. Nothing happens once it is closed.
    virtual void send(OutQueue&& message) = 0;
    /// Enough is queued; wait for on_output_room().
    virtual bool congested() const noexcept = 0;
    /// Ends our side once everything has been written (a child sees end of file).
    virtual void end_output() = 0;
    virtual void close(std::string reason) = 0;
    /// Closes once everything has been written; the peer is told that we go.
    virtual void finish(std::string reason) = 0;
    /// Hands on no message and reads nothing until resume_input().
    virtual void pause_input() = 0;
    virtual void resume_input() = 0;
    /// Bytes taken by the kernel so far: whether the peer makes progress.
    virtual uint64_t written() const noexcept = 0;
};

struct LinkLimits {
    size_t message_max;  ///< bytes of one message
    unsigned json_depth;
    /// The peer is a client, one of many: no buffer is held while nothing comes, and the
    /// ids that are told of what is no message are those of requests, not of answers.
    bool serves = false;
    /// For each 64 KiB of a message, from its first byte on; zero = for ever.
    Millis line_timeout{0};
};

}  // namespace neuron

#endif
