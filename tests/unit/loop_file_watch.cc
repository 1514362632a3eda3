#include "neurond/loop/file_watch.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace neuron;

namespace {

constexpr Millis kQuiet{50};

class Place {
  public:
    Place() {
        char name[] = "/tmp/neurond-unit-watch-XXXXXX";
        dir = ::mkdtemp(name);
    }
    ~Place() {
        for (const char* each : {"/a", "/b", "/sub/c", "/link"}) {
            ::unlink((dir + each).c_str());
        }
        ::rmdir((dir + "/sub").c_str());
        ::rmdir(dir.c_str());
    }
    void write(const std::string& name, const char* text = "x") const {
        std::FILE* file = std::fopen((dir + "/" + name).c_str(), "w");
        REQUIRE(file != nullptr);
        std::fputs(text, file);
        std::fclose(file);
    }

    std::string dir;
};

struct World {
    EventLoop loop;
    int told = 0;
    FileWatch watch{loop, kQuiet, [this] { ++told; }};

    /// Until it has told so often, or for a while.
    int after(int most, Millis wait = Millis{3000}) {
        const TimePoint end = monotonic_now() + wait;
        while (told < most && monotonic_now() < end) {
            loop.turn(Millis{20});
        }
        return told;
    }
};

}  // namespace

TEST_CASE("a burst of changes is told once, when it is over") {
    Place place;
    place.write("a");
    World world;
    REQUIRE(world.watch.watch({place.dir + "/a"}));
    CHECK(world.watch.directories() == 1);
    for (int i = 0; i < 10; ++i) {
        place.write("a", "y");
        world.loop.turn(Millis{0});
    }
    CHECK(world.told == 0);
    CHECK(world.after(1) == 1);
    CHECK(world.after(2, kQuiet * 3) == 1);
}

TEST_CASE("a file put in the place of another one is a change, and so is one that goes") {
    Place place;
    place.write("a");
    World world;
    REQUIRE(world.watch.watch({place.dir + "/a", place.dir + "/*.conf"}));
    place.write("b");
    CHECK(world.after(1) == 1);
    REQUIRE(std::rename((place.dir + "/b").c_str(), (place.dir + "/a").c_str()) == 0);
    CHECK(world.after(2) == 2);
    ::unlink((place.dir + "/a").c_str());
    CHECK(world.after(3) == 3);
}

TEST_CASE("a file behind a symbolic link is watched where it lies") {
    Place place;
    REQUIRE(::mkdir((place.dir + "/sub").c_str(), 0700) == 0);
    place.write("sub/c");
    REQUIRE(::symlink("sub/c", (place.dir + "/link").c_str()) == 0);
    World world;
    REQUIRE(world.watch.watch({place.dir + "/link"}));
    CHECK(world.watch.directories() == 2);
    place.write("sub/c", "y");
    CHECK(world.after(1) == 1);
}

TEST_CASE("what is not watched any more is not told of") {
    Place place;
    REQUIRE(::mkdir((place.dir + "/sub").c_str(), 0700) == 0);
    place.write("a");
    World world;
    REQUIRE(world.watch.watch({place.dir + "/a", "/not/there/at/all"}));
    CHECK(world.watch.directories() == 1);
    REQUIRE(world.watch.watch({place.dir + "/sub/c"}));
    place.write("a", "y");
    CHECK(world.after(1, kQuiet * 3) == 0);
    place.write("sub/c");
    CHECK(world.after(1) == 1);
    REQUIRE(world.watch.watch({}));
    place.write("sub/c");
    CHECK(world.after(2, kQuiet * 3) == 1);
}
