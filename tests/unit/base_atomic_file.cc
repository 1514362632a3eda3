#include <dirent.h>
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "neurond/base/atomic_file.h"

using namespace neuron;

namespace {

/// A directory of one test, gone with it.
class TempDir {
  public:
    TempDir() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() { remove_all(path_); }

    std::string path(const std::string& name) const { return path_ + "/" + name; }
    size_t entries() const { return list(path_).size(); }

  private:
    static std::vector<std::string> list(const std::string& path) {
        std::vector<std::string> names;
        DIR* const dir = ::opendir(path.c_str());
        while (dir != nullptr) {
            const dirent* const entry = ::readdir(dir);
            if (entry == nullptr) {
                ::closedir(dir);
                break;
            }
            const std::string name = entry->d_name;
            if (name != "." && name != "..") {
                names.push_back(name);
            }
        }
        return names;
    }
    static void remove_all(const std::string& path) {
        for (const std::string& name : list(path)) {
            const std::string inner = path + "/" + name;
            if (::unlink(inner.c_str()) != 0) {
                remove_all(inner);
            }
        }
        ::rmdir(path.c_str());
    }

    std::string path_ = "/tmp/neurond-unit-XXXXXX";
};

mode_t mode_of(const std::string& path) {
    struct stat about = {};
    CHECK(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777U;
}

}  // namespace

TEST_CASE("a file is written whole, with its mode, and replaced") {
    const TempDir dir;
    const std::string path = dir.path("state.json");
    REQUIRE(static_cast<bool>(write_file_atomically(path, "first", 0640)));
    CHECK(*read_file(path, 100) == "first");
    CHECK(mode_of(path) == 0640);
    const std::string large(300000, 'x');
    REQUIRE(static_cast<bool>(write_file_atomically(path, large, 0600)));
    CHECK(*read_file(path, 300000) == large);
    CHECK(mode_of(path) == 0600);
    CHECK(dir.entries() == 1);  // no temporary stays
}

TEST_CASE("a failed write names what failed and leaves nothing behind") {
    const TempDir dir;
    const Status nowhere = write_file_atomically(dir.path("no/such/file"), "x", 0600);
    REQUIRE_FALSE(static_cast<bool>(nowhere));
    CHECK(nowhere.error().sys == ENOENT);
    CHECK(nowhere.error().message.rfind("create ", 0) == 0);
    REQUIRE(::mkdir(dir.path("taken").c_str(), 0700) == 0);
    const Status taken = write_file_atomically(dir.path("taken"), "x", 0600);
    REQUIRE_FALSE(static_cast<bool>(taken));
    CHECK(taken.error().message ==
          "rename to " + dir.path("taken") + ": Is a directory");
    CHECK(dir.entries() == 1);
}

TEST_CASE("a file may be as large as allowed, but no larger") {
    const TempDir dir;
    const std::string path = dir.path("f");
    REQUIRE(static_cast<bool>(write_file_atomically(path, "12345", 0600)));
    CHECK(*read_file(path, 5) == "12345");
    const Result<std::string> over = read_file(path, 4);
    REQUIRE_FALSE(static_cast<bool>(over));
    CHECK(over.error().message == "read " + path + ": larger than 4 bytes");
    CHECK_FALSE(static_cast<bool>(read_file(path, 0)));
    REQUIRE(static_cast<bool>(write_file_atomically(path, "", 0600)));
    CHECK(read_file(path, 0)->empty());
}

TEST_CASE("only regular files are read, and nothing else blocks") {
    const TempDir dir;
    const std::string fifo = dir.path("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {fifo, dir.path("."), std::string("/dev/zero")}) {
        const Result<std::string> content = read_file(path, 100);
        REQUIRE_FALSE(static_cast<bool>(content));
        CHECK(content.error().message == "read " + path + ": not a regular file");
    }
    const Result<std::string> missing = read_file(dir.path("missing"), 100);
    REQUIRE_FALSE(static_cast<bool>(missing));
    CHECK(missing.error().sys == ENOENT);
    CHECK(missing.error().message ==
          "open " + dir.path("missing") + ": No such file or directory");
}

TEST_CASE("a file that claims to be empty is read to its end") {
    const Result<std::string> content = read_file("/proc/self/status", 1000000);
    REQUIRE(static_cast<bool>(content));
    CHECK(content->rfind("Name:", 0) == 0);
}

TEST_CASE("directories are made with their parents, and once is enough") {
    const TempDir dir;
    const std::string path = dir.path("a/b//c");
    for (int i = 0; i < 2; ++i) {
        REQUIRE(static_cast<bool>(make_directories(path, 0700)));
        CHECK(mode_of(path) == 0700);
        CHECK(mode_of(dir.path("a")) == 0700);
    }
    REQUIRE(static_cast<bool>(make_directories(path + "/", 0755)));
    CHECK(mode_of(path) == 0700);  // what is there stays as it is
    CHECK(static_cast<bool>(make_directories("/", 0700)));
}

TEST_CASE("a file in the way of a directory is named") {
    const TempDir dir;
    const std::string file = dir.path("file");
    REQUIRE(static_cast<bool>(write_file_atomically(file, "", 0600)));
    const Status below = make_directories(file + "/sub", 0700);
    REQUIRE_FALSE(static_cast<bool>(below));
    CHECK(below.error().message == "make directory " + file + ": Not a directory");
}
