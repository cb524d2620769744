/*
 * version.h - the version of the product, in this one place.
 *
 * The Makefile reads the line below for the shared library's name, holdfast.pc and the man pages;
 * programs print it for --version; CHANGELOG.md says what is in it. The wire and the disk formats
 * are numbered on their own (PROTOCOL.md, FORMATS.md).
 */
#ifndef HF_ENGINE_VERSION_H
#define HF_ENGINE_VERSION_H

#define HF_VERSION "0.1.0"

#endif
