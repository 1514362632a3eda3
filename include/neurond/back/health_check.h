#ifndef NEUROND_BACK_HEALTH_CHECK_H
#define NEUROND_BACK_HEALTH_CHECK_H

#include "neurond/base/clock.h"

namespace neuron {

struct HealthSettings {
    Millis interval{30000};  ///< of silence before the server is asked; 0 = never
    Millis timeout{5000};    ///< for its answer
};

/// Whether a server that runs also lives (requirements C-6, S1-29, S1-30). Pure: time is
/// passed in. One per life of an instance.
///
/// A server that has said nothing for `interval` is asked. No answer within `timeout`, and
/// it is degraded and asked once more; still none, and it hangs. Whatever it says between
/// proves that it lives. One that is busy with a call may be silent until `patience`,
/// because many servers do one thing at a time.
class HealthCheck {
  public:
    /// What a server is asked. `ping` is gone from the modern revision.
    enum class Question { kPing, kListTools, kDiscover };
    enum class Reply {
        kResult,
        kMethodNotFound,
        kError,
    };
    enum class Verdict { kNone, kHealthy, kDegraded, kHung };
    struct Step {
        bool ask = false;  ///< question() is to be sent
        Verdict verdict = Verdict::kNone;
    };

    explicit HealthCheck(const HealthSettings& settings) : settings_(settings) {}

    /// Ready from now on.
    void begin(bool modern, TimePoint now);
    bool enabled() const noexcept { return settings_.interval > Millis{0}; }
    Question question() const noexcept { return question_; }
    /// When on_time() wants to be called next.
    TimePoint due() const noexcept { return due_; }

    /// It has said something.
    Verdict on_message(TimePoint now);
    Step on_time(TimePoint now, TimePoint patience);
    /// The answer to what it was asked, after on_message().
    Step on_reply(Reply reply, TimePoint now);
    /// It was asked in vain: no connection.
    Step on_failure(TimePoint now, TimePoint patience);

  private:
    Step ask(TimePoint now, Verdict verdict);
    Step again_missed(TimePoint now, TimePoint patience);
    void rest(TimePoint now);

    HealthSettings settings_;
    Question question_ = Question::kPing;
    TimePoint due_;
    TimePoint heard_;
    bool asked_ = false;
    bool spoke_ = false;    ///< since it was asked
    bool missed_ = false;   ///< the last answer did not come
    bool refused_ = false;  ///< it was an error
};

}  // namespace neuron

#endif
