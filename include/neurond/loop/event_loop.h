#ifndef NEUROND_LOOP_EVENT_LOOP_H
#define NEUROND_LOOP_EVENT_LOOP_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"

namespace neuron {

class Task;
class Timer;

/// Is told that a registered descriptor is ready.
class EventHandler {
  public:
    /// `events` are EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, as epoll reports them.
    virtual void on_ready(uint32_t events) = 0;

  protected:
    ~EventHandler() = default;
};

/// When, after the events of a turn, a task runs. Work goes down this list within one
/// turn and waits for the next turn to come back to its top.
enum class Phase {
    kSoon,   ///< what must not happen inside the call that asked for it
    kStage,  ///< calls are audited, all of a turn with one write, and handed on
    kFlush,  ///< channels write what has been queued, one writev each
};

/// One epoll, one thread. A turn: wait until the nearest timer, read the clock once,
/// dispatch events, fire due timers, run tasks phase by phase, bury the retired.
class EventLoop {
  public:
    /// Ends the process when the kernel gives no epoll descriptor.
    EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// The time this turn began.
    TimePoint now() const noexcept { return now_; }

    /// Turns until stop().
    void run();
    void stop() noexcept { stopped_ = true; }
    /// From now on each turn tells how long it took, from waking on: how long whatever
    /// came meanwhile has waited.
    void on_turn(std::function<void(TimePoint::duration)> told) {
        on_turn_ = std::move(told);
    }
    /// One turn that waits at most `max_wait`.
    void turn(Millis max_wait);

    /// Destroys `object` at the end of the turn, when none of its callbacks is on the
    /// stack any more.
    template <typename T>
    void retire(std::unique_ptr<T> object) {
        graves_.push_back(
            {object.release(), [](void* dead) { delete static_cast<T*>(dead); }});
    }

  private:
    friend class Watch;
    friend class Timer;
    friend class Task;

    struct Slot {
        EventHandler* handler = nullptr;
        uint32_t generation = 0;
    };
    struct Grave {
        void* dead;
        void (*bury)(void*);
    };
    /// A node of a circular list; the loop keeps one sentinel a phase.
    struct Link {
        Link* prev = this;
        Link* next = this;
    };

    uint32_t take_slot(EventHandler& handler);
    void free_slot(uint32_t slot);
    void control(int op, int fd, uint32_t events, uint32_t slot) const;
    void dispatch(uint64_t key, uint32_t events);
    int wait_millis(Millis max_wait) const;
    void fire_timers();
    void run_phase(Phase phase);
    bool tasks_queued() const noexcept;
    void bury();

    Fd epoll_;
    TimePoint now_;
    bool stopped_ = false;
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_slots_;
    std::vector<Timer*> timers_;  ///< a binary heap by deadline
    Link phases_[3];
    std::vector<Grave> graves_;
    std::function<void(TimePoint::duration)> on_turn_;
};

/// Interest in one descriptor, as a member of the object it concerns: gone, no event
/// reaches the handler any more, not even from the batch being dispatched.
/// Lends `fd`; the owner keeps it open for as long as the Watch lives.
class Watch {
  public:
    Watch(EventLoop& loop, int fd, EventHandler& handler)
        : loop_(loop), fd_(fd), slot_(loop.take_slot(handler)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    /// Level-triggered interest; 0 = none, and then not even a hang-up is reported.
    void set(uint32_t events);
    uint32_t events() const noexcept { return events_; }

  private:
    EventLoop& loop_;
    int fd_;
    uint32_t slot_;
    uint32_t events_ = 0;
};

/// A one-shot timer, as a member of the object it concerns. Destruction cancels it, so a
/// callback capturing `this` cannot outlive `this`.
class Timer {
  public:
    Timer(EventLoop& loop, std::function<void()> fire)
        : loop_(loop), fire_(std::move(fire)) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { cancel(); }

    /// Fires once, `delay` (at least 1 ms) after the loop's now(). Re-arming moves the
    /// deadline.
    void arm(Millis delay);
    void cancel() noexcept;
    bool armed() const noexcept { return index_ != kIdle; }
    TimePoint deadline() const noexcept { return deadline_; }

  private:
    friend class EventLoop;
    static constexpr size_t kIdle = SIZE_MAX;

    void sift(size_t index) noexcept;

    EventLoop& loop_;
    std::function<void()> fire_;
    TimePoint deadline_;
    size_t index_ = kIdle;
};

/// Something to do later in this turn, or in the next one when its phase has passed.
/// Destruction unqueues it.
class Task : private EventLoop::Link {
  public:
    Task(EventLoop& loop, Phase phase, std::function<void()> run)
        : loop_(loop), phase_(phase), run_(std::move(run)) {}
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { cancel(); }

    /// Queues it once, however often called.
    void schedule() noexcept;
    void cancel() noexcept;
    bool scheduled() const noexcept { return next != this; }

  private:
    friend class EventLoop;

    EventLoop& loop_;
    Phase phase_;
    std::function<void()> run_;
};

}  // namespace neuron

#endif
